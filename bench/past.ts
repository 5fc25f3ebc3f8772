// What it costs to open a crew as it was: npm run bench:past [-- commits]. The folder is made in TMPDIR; each opening has
// a process of its own.
import { openCrew } from 'crewlog'
import { fileStorage } from 'crewlog/storage/file'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Opening {
  readonly clockMs: number
  readonly cpuMs: number
  readonly tasks: number
}

const AN_HOUR_MS = 3_600_000

/** A life in single commits: tasks are created, taken, done and talked about, and never forgotten. */
async function write(folder: string, commits: number): Promise<number> {
  const crew = await openCrew({
    storage: fileStorage(folder, { fsync: false }),
    limits: { pairRate: 1_000_000, mailbox: 1_000_000 },
  })
  const ana = await crew.join('ana')
  await crew.join('bo')
  let before = Date.now()
  while ((crew.journal.head?.seq ?? 0) < commits) {
    const task = await crew.tracker.create({ description: 'Implement the feature', priority: 2, labels: ['bench'] })
    before = Date.now()
    await (await ana.claim())?.complete({ result: { ok: true }, usage: { tokens: 100 } })
    await ana.send('bo', `Task ${task.id} is done`, { taskId: task.id })
    const message = await crew.as('bo').receive()
    if (message[0]) await crew.communications.acknowledge(message[0])
  }
  await crew.checkpoint()
  await crew.close()
  return before
}

async function open(folder: string, at: { readonly seq: number } | { readonly time: number }): Promise<Opening> {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const crew = await openCrew({ storage: fileStorage(folder), at })
  const { user, system } = process.cpuUsage(cpu)
  const opening = { clockMs: performance.now() - start, cpuMs: (user + system) / 1000, tasks: crew.tracker.count() }
  await crew.close()
  return opening
}

function opened(folder: string, at: object): Opening {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), folder, JSON.stringify(at)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Opening
}

async function measure(commits: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'crewlog-bench-'))
  try {
    const latest = await write(folder, commits)
    const { size } = await stat(join(folder, 'journal-crew.jsonl'))
    console.log(
      `${commits} commits, ${(size / 2 ** 20).toFixed(0)} MiB, checkpoints every 10,000, the newest two kept\n`,
    )
    console.log('| as of | clock | CPU | tasks |\n| --- | --- | --- | --- |')
    for (const share of [0.01, 0.25, 0.5, 0.89, 0.95, 1]) {
      const seq = Math.round(commits * share)
      tell(`commit ${seq}`, opened(folder, { seq }))
    }
    tell('the last minute, by its time', opened(folder, { time: latest }))
    tell('an hour ago, by its time', opened(folder, { time: latest - AN_HOUR_MS }))
  } finally {
    await rm(folder, { recursive: true })
  }
}

function tell(what: string, { clockMs, cpuMs, tasks }: Opening): void {
  console.log(`| ${what} | ${(clockMs / 1000).toFixed(2)} s | ${(cpuMs / 1000).toFixed(2)} s | ${tasks} |`)
}

const [first = '100000', at] = process.argv.slice(2)
if (at === undefined) await measure(Number(first))
else console.log(JSON.stringify(await open(first, JSON.parse(at) as { readonly seq: number })))
