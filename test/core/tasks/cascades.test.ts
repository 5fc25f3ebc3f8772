import { describe, expect, it } from 'vitest'
import { type Commit, type Crew, type CrewOptions, MemoryStorage, type TaskDraft } from 'crewlog'
import { checkJournal, crash } from 'crewlog/testing'
import { type Board, claim, named, openBoard, refusal } from '../../support/board.js'

/** Keeps text, and takes little of it at once once it is told to. */
class SmallStorage extends MemoryStorage {
  override maxCommitBytes = 1e9
}
const commitsOf = async (storage: MemoryStorage): Promise<readonly Commit[]> => {
  const run = await storage.read('crew', 0, Infinity)
  return 'commits' in run ? run.commits : []
}
const chain = (length: number): readonly TaskDraft[] =>
  Array.from({ length }, (_, at) => named(`t${at}`, at > 0 ? { dependsOn: [`t${at - 1}`] } : {}))
const fan = (length: number): readonly TaskDraft[] => [
  named('t0'),
  ...Array.from({ length: length - 1 }, (_, at) => named(`t${at + 1}`, { dependsOn: ['t0'] })),
]
const fallen = ({ tracker }: Crew): number => tracker.count({ status: ['failed', 'cancelled'] })
/** Until nothing falls any more. */
const over = (crew: Crew): Promise<void> =>
  new Promise((resolve) => crew.on('crew.cascading', ({ isOpen }) => !isOpen && resolve()))

describe('a cascade', () => {
  it('of up to 1,000 falls in the commit of its cause', async () => {
    const { tracker, crew } = await openBoard()
    await tracker.createMany(fan(999))
    await tracker.cancel('t0')
    expect(fallen(crew)).toBe(999)
    expect(crew.journal.head?.seq).toBe(2)
  })

  it.each([
    ['a chain of 10,000', chain, 10_000],
    ['a chain of 50,000', chain, 50_000],
    ['a fan of 50,000', fan, 50_000],
  ])('down %s takes a commit for each 1,000, and no recursion (DG-19) (DG-20)', async (_, draftsOf, length) => {
    const storage = new MemoryStorage()
    const { tracker, crew } = await openBoard({ storage })
    await tracker.createMany(draftsOf(length))
    const ended = over(crew)
    await tracker.cancel('t0')
    expect(fallen(crew)).toBeLessThan(1100)
    await ended
    expect(fallen(crew)).toBe(length)
    expect(tracker.list().every(({ id, failure }) => id === 't0' || failure?.rootId === 't0')).toBe(true)
    const sizes = (await commitsOf(storage)).slice(2).map(({ events }) => events.length)
    expect(sizes.length).toBeLessThan(length / 1000 + 3)
    expect(Math.max(...sizes)).toBeLessThan(1010)
  })

  it('fits into a storage that takes little at once, and falls in the order of ids', async () => {
    const storage = new SmallStorage()
    const { tracker, crew } = await openBoard({ storage })
    await tracker.createMany(fan(300))
    const narrow = await openBoard({ storage: Object.assign(storage, { maxCommitBytes: 20_000 }) })
    const ended = over(narrow.crew)
    await narrow.tracker.cancel('t0')
    await ended
    await crew.sync()
    expect(fallen(crew)).toBe(300)
    const pieces = (await commitsOf(storage)).slice(1)
    expect(pieces.length).toBeGreaterThan(5)
    const ids = pieces
      .flatMap(({ events }) => events.filter(({ type }) => type === 'task.cancelled'))
      .map(({ id }) => id)
    expect(ids).toEqual([...ids].sort())
  })

  it('too small to be cut is left whole for the next commit', async () => {
    const storage = new SmallStorage()
    const board = await openBoard({ storage })
    await board.tracker.createMany(fan(20))
    const { tracker, crew } = await openBoard({ storage: Object.assign(storage, { maxCommitBytes: 50_000 }) })
    await Promise.all([tracker.create(named('big', { input: 'x'.repeat(12_000) })), tracker.cancel('t0')])
    expect(fallen(crew)).toBe(20)
    const events = (await commitsOf(storage)).flatMap((commit) => commit.events)
    expect(events.filter(({ type }) => type === 'crew.cascading')).toEqual([])
  })

  it('that was left open when its process died is ended by another; nothing under it is ready meanwhile', async () => {
    const { crew, late, tracker } = await openCut()
    // Independent parts of what has yet to fall, new ones included.
    expect(tracker.stage('part of t999')).toBe('blocked')
    expect(tracker.get('part of t999')?.status).toBe('pending')
    expect(await tracker.claim('bo', { taskId: 'part of t999' })).toBeUndefined()
    expect(await refusal(tracker.start('part of t999', { by: 'bo' }))).toMatchObject({ code: 'not_eligible' })
    expect((await claim(tracker, 'bo')).task.id).toBe('beside')
    expect(await tracker.claim('cy')).toBeUndefined()
    const refusals = await Promise.all([
      refusal(tracker.create(named('x', { parentId: 't999' }))),
      refusal(tracker.create(named('x', { dependsOn: ['t999'] }))),
      refusal(tracker.addDependency('apart', 't999')),
      refusal(tracker.retry('t0', { cascade: true })),
    ])
    for (const { code, message } of refusals)
      expect([code, message]).toEqual(['invalid_transition', expect.stringMatching(/try again in a moment$/)])
    expect(crew.reports.generate('health').data.findings).toMatchObject([{ kind: 'cascade', taskId: 't0' }])

    await late.environment.advance('5s')
    expect(fallen(crew)).toBe(2001)
    expect(tracker.get('part of t999')).toMatchObject({ status: 'cancelled', failure: { rootId: 't0' } })
    expect(crew.reports.generate('health').data.findings).toEqual([])
    await tracker.retry('t0')
    expect(await tracker.create(named('x', { dependsOn: ['t0'] }))).toMatchObject({ status: 'pending' })
  })

  /** A crew whose one process died in the middle of a cascade, in the eyes of another. */
  async function openCut(more: CrewOptions = {}) {
    const storage = new MemoryStorage()
    const first = await openBoard({ storage })
    await first.tracker.createMany([
      ...fan(2000),
      named('part of t999', { parentId: 't999' }),
      named('apart', { notBefore: first.environment.now() + 3.6e6 }),
      named('beside'),
    ])
    const cancelled = first.tracker.cancel('t0')
    cancelled.catch(() => undefined)
    first.crew.on('crew.cascading', () => void crash(first.crew))
    await cancelled
    const late: Board = await openBoard({ storage, environment: first.environment, ...more })
    return { storage, late, crew: late.crew, tracker: late.tracker }
  }

  it('is the same for whoever opens from a checkpoint in the middle of it', async () => {
    const { storage, late, crew } = await openCut()
    await crew.checkpoint()
    await storage.trim('crew', crew.journal.head!.seq - 1)
    const other = await openBoard({ storage, environment: late.environment })
    expect(other.tracker.stage('part of t999')).toBe('blocked')
    await crash(crew)
    await late.environment.advance('5s')
    expect(fallen(other.crew)).toBe(2001)
  })

  it('is ended once by several processes, and holds idle', async () => {
    const { storage, late, crew } = await openCut()
    const others = await Promise.all([1, 2].map(() => openBoard({ storage, environment: late.environment })))
    const idle = crew.idle()
    let isIdle = false
    void idle.then(() => (isIdle = true))
    await late.environment.advance(0)
    expect(isIdle).toBe(false)
    await late.environment.advance('10s')
    await idle
    const events = (await commitsOf(storage)).flatMap((commit) => commit.events)
    expect(events.filter(({ type }) => type === 'task.cancelled')).toHaveLength(2001)
    for (const board of others) expect(fallen(board.crew)).toBe(2001)
    expect(await checkJournal(storage)).toEqual([])
  })
})
