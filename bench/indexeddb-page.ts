// What `npm run bench:indexeddb` runs in a page of Chromium.
import { Journal, openCrew, TaskTracker } from 'crewlog'
import { indexedDbStorage } from 'crewlog/storage/indexeddb'

type Durability = 'strict' | 'relaxed'

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return (performance.now() - start) / 1000
}

const bench = {
  /** Creates tasks, so many at once: seconds, and how many commits that made. */
  async create(name: string, durability: Durability, count: number, atOnce: number) {
    const journal = new Journal({ name, storage: indexedDbStorage('bench', { durability }) })
    const tracker = new TaskTracker({ journal })
    await journal.open()
    const before = journal.head?.seq ?? 0
    const spent = await seconds(async () => {
      for (let done = 0; done < count; done += atOnce)
        await Promise.all(
          Array.from({ length: atOnce }, () => tracker.create({ description: 'Implement the feature', priority: 2 })),
        )
    })
    const commits = (journal.head?.seq ?? 0) - before
    await journal.close()
    return { spent, commits }
  },

  /** Opens a crew: seconds, and how many tasks it has. */
  async open(name: string) {
    const storage = indexedDbStorage('bench')
    let tasks = 0
    const spent = await seconds(async () => {
      const crew = await openCrew({ name, storage })
      tasks = crew.tracker.count()
    })
    return { spent, tasks }
  },

  /** Saves a checkpoint: seconds, and the longest that a timer waited meanwhile, in milliseconds. */
  async checkpoint(name: string) {
    const crew = await openCrew({ name, storage: indexedDbStorage('bench') })
    let longest = 0
    let last = performance.now()
    const watch = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 1)
    const spent = await seconds(() => crew.checkpoint())
    clearInterval(watch)
    await crew.close()
    return { spent, longest }
  },
}
export type Bench = typeof bench

Object.assign(globalThis, { bench })
