// A storage of your own, over an object store as S3, R2 and Azure have it: two processes share a crew; prints `both did their part`.
import { openCrew } from 'crewlog'
import { checkJournal } from 'crewlog/testing'
import { objectStorage } from './object-store/object-storage.js'
import { startObjectStore } from './object-store/server.js'

const { url, server } = await startObjectStore()
// For S3 and R2, pass a fetch that signs, such as that of aws4fetch.
const here = await openCrew({ storage: objectStorage(url) })
const there = await openCrew({ storage: objectStorage(url) })

await here.join('ana')
await here.join('bo')
await here.tracker.createMany([
  { id: 'draft', description: 'Draft', assignees: 'ana' },
  { id: 'print', description: 'Print', assignees: 'bo', dependsOn: ['draft'] },
])
await there.sync()
here.as('ana').work(() => 'drafted')
there.as('bo').work(() => 'printed')
// This storage has no wake-ups: whoever does not want to wait for the next look, every few seconds, asks.
const { result: first } = await here.tracker.whenEnded('draft')
await there.sync()
const { result: second } = await there.tracker.whenEnded('print')
console.log(first, second)

await here.checkpoint()
await Promise.all([here.close(), there.close()])
if ((await checkJournal(objectStorage(url))).length === 0) console.log('both did their part')
server.close()
