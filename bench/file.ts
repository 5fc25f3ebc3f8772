// What it costs to keep a journal in a file. Run it with `npm run bench:file`; the folder is made in TMPDIR.
import { Journal, TaskTracker } from 'crewlog'
import { fileStorage } from 'crewlog/storage/file'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'

const CONCURRENT = 1000

const folder = await mkdtemp(join(tmpdir(), 'crewlog-bench-'))
const number = (value: number): string => Math.round(value).toLocaleString('en')

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return (performance.now() - start) / 1000
}

async function withJournal<T>(name: string, fsync: boolean, run: (tracker: TaskTracker) => Promise<T>): Promise<T> {
  const journal = new Journal({ name, storage: fileStorage(folder, { fsync }) })
  const tracker = new TaskTracker({ journal })
  await journal.open()
  try {
    return await run(tracker)
  } finally {
    await journal.close()
  }
}

/** Creates tasks, so many at once, and prints a line of the table. */
async function commands(name: string, fsync: boolean, count: number, atOnce: number): Promise<void> {
  const create = (tracker: TaskTracker) => tracker.create({ description: 'Implement the feature', priority: 2 })
  const { spent, commits } = await withJournal(name, fsync, async (tracker) => {
    const seqs = new Set<number>()
    tracker.on('created', ({ commit }) => seqs.add(commit.seq))
    const spent = await seconds(async () => {
      for (let done = 0; done < count; done += atOnce)
        await Promise.all(Array.from({ length: atOnce }, () => create(tracker)))
    })
    return { spent, commits: seqs.size }
  })
  const { size } = await stat(join(folder, `journal-${name}.jsonl`))
  const how = atOnce === 1 ? 'one by one' : `${number(atOnce)} at once`
  const cells = [number(count), number(count / spent), number(commits / spent), number(size / commits)]
  console.log(`| ${how} | ${fsync ? 'yes' : 'no'} | ${[...cells, number(size / count)].join(' | ')} |`)
}

try {
  console.log(`Node ${process.versions.node}, ${String(availableParallelism())} cores\n`)
  console.log('| commands | fsync | tasks | tasks/s | commits/s | bytes a commit | bytes a task |')
  console.log('| --- | --- | --- | --- | --- | --- | --- |')
  await commands('a', true, 2000, 1)
  await commands('b', true, 100_000, CONCURRENT)
  await commands('c', false, 100_000, 1)
  await commands('d', false, 100_000, CONCURRENT)

  console.log('\n| journal | open |\n| --- | --- |')
  for (const [name, what] of [
    ['c', '100,000 tasks in 100,000 commits'],
    ['d', '100,000 tasks in large commits'],
  ] as const) {
    const spent = await seconds(() => withJournal(name, true, async (tracker) => tracker.get('')))
    console.log(`| ${what} | ${spent.toFixed(1)} s |`)
  }
} finally {
  await rm(folder, { recursive: true })
}
