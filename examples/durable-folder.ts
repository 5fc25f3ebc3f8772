// A crew in a folder is closed in the middle of its work and opened again: the second prints `1 done, 1 to do: test`.
import { openCrew } from 'crewlog'
import { fileStorage } from 'crewlog/storage/file'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = await mkdtemp(join(tmpdir(), 'crewlog-'))

const first = await openCrew({ storage: fileStorage(folder) })
const ana = await first.join('ana')
await first.join('bo')
await first.tracker.createMany([
  { id: 'build', description: 'Build', assignees: 'ana' },
  { id: 'test', description: 'Test', assignees: 'bo', dependsOn: ['build'] },
])
const attempt = await ana.claim()
await attempt?.complete({ result: 'built' })
await ana.send('bo', 'Over to you')
await first.close()

const second = await openCrew({ storage: fileStorage(folder) })
const done = second.tracker.count({ status: 'completed' })
const ready = second.tracker.ready().map(({ id }) => id)
console.log(`${done} done, ${ready.length} to do: ${ready.join()}`)

const bo = second.as('bo')
console.log(
  'bo has mail:',
  bo.inbox.map(({ content }) => content),
)
bo.work(() => 'tested')
await second.idle()
console.log(
  'in the end:',
  second.tracker
    .list()
    .map(({ id, status }) => `${id} ${status}`)
    .join(', '),
)

await second.close()
await rm(folder, { recursive: true })
