// A process that works on a task until its input ends, and then closes its crew, whatever has become of its store.
import { openCrew } from 'crewlog'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { engineOf } from '../all-engines.js'
import { hurriedEnvironment } from '../hurried-environment.js'
import type { Stranded } from './stranded.js'

const { engine, place, address, times } = JSON.parse(process.argv[2]!) as Stranded
const connection = await (await engineOf(engine)).connect(place, { address, silenceMs: 15_000 / times })
const crew = await openCrew({
  storage: connection.storage,
  environment: hurriedEnvironment(times),
  onError: () => writeSync(1, 'error\n'),
})
const ana = await crew.join('ana')
await crew.tracker.create({ description: 'Take long' })
ana.work(({ signal }) => once(signal, 'abort'))
crew.on('task.started', () => writeSync(1, 'at work\n'))
await once(process.stdin, 'data')
process.stdin.destroy()
await crew.close()
await connection.close()
writeSync(1, 'closed\n')
