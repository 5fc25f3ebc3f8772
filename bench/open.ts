// How long a crew of 100,000 tasks takes to open, from its journal and from a checkpoint, over each engine.
//   npm run bench:open -- [--engine file] [--tasks 100000]
import { openCrew } from 'crewlog'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { engineOf } from '../test/support/all-engines.js'

const { values } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true, default: ['file', 'libsql', 'postgres'] },
    tasks: { type: 'string', default: '100000' },
    /** Tasks in one commit. */
    batch: { type: 'string', multiple: true, default: ['1', '100'] },
    rounds: { type: 'string', default: '3' },
  },
})
const [tasks, rounds] = [Number(values.tasks), Number(values.rounds)]
const gc = (globalThis as { gc?: () => void }).gc ?? (() => undefined)
const number = (value: number): string => value.toLocaleString('en')

interface Timing {
  readonly seconds: number
  readonly cpuSeconds: number
}
const said = ({ seconds, cpuSeconds }: Timing): string => `${seconds.toFixed(2)} s | ${cpuSeconds.toFixed(2)} s`

async function timed(run: () => Promise<unknown>): Promise<Timing> {
  gc()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await run()
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 }
}

console.log(`${number(tasks)} tasks, best of ${rounds}, Node ${process.versions.node}\n`)
console.log('| engine | commits | from the journal | CPU | from a checkpoint | CPU | load |')
console.log('| --- | --- | --- | --- | --- | --- | --- |')
for (const name of values.engine) {
  const engine = await engineOf(name)
  for (const batch of values.batch.map(Number)) {
    const place = await engine.make()
    const writer = await engine.connect(place)
    const crew = await openCrew({ storage: writer.storage, checkpointEvery: Infinity })
    await fill(crew, batch)
    const commits = crew.journal.head!.seq
    await crew.close()
    const fromJournal = await opened(engine, place)
    const again = await openCrew({ storage: writer.storage, checkpointEvery: Infinity })
    await again.checkpoint()
    await again.close()
    const fromCheckpoint = await opened(engine, place)
    await writer.close()
    await engine.remove(place)
    const cells = [name, number(commits), said(fromJournal), said(fromCheckpoint), (loadavg()[0] ?? 0).toFixed(1)]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

async function fill(crew: Awaited<ReturnType<typeof openCrew>>, batch: number): Promise<void> {
  const create = (): Promise<unknown> => crew.tracker.create({ description: 'Implement the feature', priority: 2 })
  for (let made = 0; made < tasks; made += batch) await Promise.all(Array.from({ length: batch }, create))
}

/** The best of some openings, each by a client of its own. */
async function opened(engine: Awaited<ReturnType<typeof engineOf>>, place: string): Promise<Timing> {
  const timings: Timing[] = []
  for (let round = 0; round < rounds; round++) {
    const connection = await engine.connect(place)
    const { storage } = connection
    const crews: { close(): Promise<void> }[] = []
    timings.push(await timed(async () => crews.push(await openCrew({ storage, checkpointEvery: Infinity }))))
    for (const crew of crews) await crew.close()
    await connection.close()
  }
  return timings.reduce((best, timing) => (timing.seconds < best.seconds ? timing : best))
}
