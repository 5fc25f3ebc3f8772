// Tasks and messages through a crew with retention, and what the heap holds meanwhile: npm run bench:retention
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCrew } from '../src/index.js'
import { fileStorage } from '../src/storage/file.js'

const WAVE = 1000
const waves = Number(process.argv[2] ?? 200)

// In a file, as a log in memory would itself be memory that grows.
const folder = mkdtempSync(join(tmpdir(), 'crew-'))
const crew = await openCrew({
  storage: fileStorage(folder, { fsync: false }),
  retention: { keep: 2 * WAVE },
  limits: { pairRate: 1_000_000 },
  checkpointEvery: Infinity,
})
const ana = await crew.join('ana', { capacity: WAVE })
await crew.join('bo')
const heaps: number[] = []
const start = performance.now()
for (let wave = 1; wave <= waves; wave++) {
  await Promise.all(
    Array.from({ length: WAVE }, async (_, n) => {
      await crew.tracker.create({ description: `Task ${n}` })
      await ana.send('bo', `message ${n}`)
    }),
  )
  const attempts = await Promise.all(Array.from({ length: WAVE }, () => ana.claim()))
  await Promise.all(attempts.map(async (attempt) => attempt?.complete({ result: 1 })))
  const deliveries = await crew.communications.receive('bo', { limit: WAVE })
  await Promise.all(deliveries.map((delivery) => crew.communications.acknowledge(delivery)))
  if (wave % Math.ceil(waves / 10) === 0) {
    await new Promise((resolve) => setTimeout(resolve, 0))
    globalThis.gc?.()
    heaps.push(process.memoryUsage().heapUsed / 2 ** 20)
    console.log(
      `${wave * WAVE} tasks, ${wave * WAVE} messages: ${heaps.at(-1)?.toFixed(1)} MiB, ` +
        `${crew.tracker.count()} tasks and ${crew.communications.messages().length} messages known`,
    )
  }
}
const [middle = 0, last = 0] = [heaps[4], heaps.at(-1)]
console.log(`${Math.round((waves * WAVE) / ((performance.now() - start) / 1000))} of both a second`)
console.log(`second half: ${(((last - middle) / middle) * 100).toFixed(1)} %`)
console.log(crew.reports.generate('summary').data.totals.completed)
await crew.close()
rmSync(folder, { recursive: true })
