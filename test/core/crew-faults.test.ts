import { beforeEach, describe, expect, it } from 'vitest'
import { type Crew, type Environment, MemoryStorage, openCrew, TaskTracker } from 'crewlog'
import { crash, faultyStorage, manualEnvironment, type ManualEnvironment } from 'crewlog/testing'

// What random stories (crew.property.test.ts) have found, each by its name. Where time used to stand still, the limit
// of the test is what fails.
const SOON = 5000

let environment: ManualEnvironment
let storage: MemoryStorage
let isAway: boolean

beforeEach(() => {
  environment = manualEnvironment()
  storage = new MemoryStorage()
  isAway = false
})

const open = (): Promise<Crew> =>
  openCrew({
    storage: faultyStorage(storage, { environment, plan: () => (isAway ? 'error' : undefined) }),
    environment,
    onError: () => undefined,
  })

describe('leases that run out', () => {
  it('ends each in its own time when a process dies that held a short and a long one', { timeout: SOON }, async () => {
    const [dying, other] = [await open(), await open()]
    await dying.join('ana', { capacity: 2 })
    await dying.tracker.createMany([
      { id: 'short', description: 'Short' },
      { id: 'long', description: 'Long' },
    ])
    await dying.tracker.claim('ana', { taskId: 'short', leaseMs: 1000 })
    await dying.tracker.claim('ana', { taskId: 'long', leaseMs: 60_000 })
    await crash(dying)
    await other.sync()

    await environment.advance('10s')
    expect([other.tracker.status('short'), other.tracker.status('long')]).toEqual(['pending', 'in_progress'])
    await environment.advance('1m')
    expect(other.tracker.status('long')).toBe('pending')
  })

  it('lets time pass while a renewal waits for a storage that does not answer (MP-07)', { timeout: SOON }, async () => {
    const crew = await open()
    const ana = await crew.join('ana')
    await crew.tracker.create({ description: 'Write' })
    const attempt = await ana.claim({ leaseMs: 3000 })
    isAway = true
    await environment.advance('10s')

    expect(attempt?.signal.reason).toMatchObject({ code: 'stale_attempt' })
  })

  it('gives a task back when its renewal came too late, though it came (TL-12)', { timeout: SOON }, async () => {
    const crew = await open()
    const ana = await crew.join('ana')
    const task = await crew.tracker.create({ description: 'Write' })
    const attempt = await ana.claim()
    isAway = true
    await environment.advance('61s')
    expect(attempt?.signal.reason).toMatchObject({ code: 'stale_attempt' })
    isAway = false
    await environment.advance('10s')

    expect(crew.tracker.get(task.id)).toMatchObject({ status: 'pending', attempts: [{ outcome: 'lost' }] })
  })

  it('tells a holder in time though its writes are tried all the while', { timeout: SOON }, async () => {
    const crew = await open()
    const ana = await crew.join('ana')
    await crew.tracker.create({ description: 'Write' })
    const attempt = await ana.claim()
    isAway = true
    for (let seconds = 0; seconds < 60; seconds += 10) {
      attempt!.complete().catch(() => undefined)
      await environment.advance('10s')
    }

    expect(attempt?.signal.reason).toMatchObject({ code: 'stale_attempt' })
  })
})

describe('a wall clock that is set back', () => {
  it('makes a task scheduled again whose time has not come any more (TM-04)', async () => {
    const tracker = new TaskTracker({ environment })
    await tracker.create({ id: 'later', description: 'Later', notBefore: environment.now() + 1000 })
    await environment.advance('2s')
    expect(tracker.stage('later')).toBe('new')
    environment.setWallClock(environment.now() - 3_600_000)

    expect(tracker.stage('later')).toBe('scheduled')
    expect(tracker.ready()).toEqual([])
  })
})

describe('a clock that goes on within a turn', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('answers a claim when a deadline comes at its look number %i', async (look) => {
    let now = 0
    const running: Environment = {
      ...environment,
      now: () => {
        // Else nothing would ever end this test.
        if (++now > 1000) throw new Error('The claim looks for ever')
        return now
      },
    }
    const tracker = new TaskTracker({ environment: running })
    await tracker.create({ description: 'Count' })
    const before = now
    await tracker.create({ description: 'Count' })
    await tracker.create({ description: 'Soon', priority: 2, failAt: now + (now - before) + look })
    await expect(tracker.claim('ana')).resolves.toBeDefined()
  })
})

describe('a task that would wait for itself', () => {
  const drafts = (
    ...edges: readonly { readonly id: string; readonly parentId?: string; readonly dependsOn?: [string] }[]
  ) => edges.map((edge) => ({ description: edge.id, ...edge }))

  it.each([
    ['depends on itself', drafts({ id: 'a', dependsOn: ['a'] })],
    ['is its own part', drafts({ id: 'a', parentId: 'a' })],
    ['is part of its part', drafts({ id: 'a', parentId: 'b' }, { id: 'b', parentId: 'a' })],
    ['depends on what it is part of', drafts({ id: 'a' }, { id: 'b', parentId: 'a', dependsOn: ['a'] })],
    ['depends on what depends on it', drafts({ id: 'a', dependsOn: ['b'] }, { id: 'b', dependsOn: ['a'] })],
  ])('is refused when it %s (DG-04, DG-07)', async (_, tasks) => {
    const tracker = new TaskTracker()
    const [only] = tasks
    await expect(tracker.createMany(tasks)).rejects.toMatchObject({ code: 'dependency_cycle' })
    if (tasks.length === 1) await expect(tracker.create(only!)).rejects.toMatchObject({ code: 'dependency_cycle' })
    expect(tracker.list()).toEqual([])
  })
})

describe('what is counted', () => {
  it('has for each member the tasks that it completed', async () => {
    const tracker = new TaskTracker()
    const { id } = await tracker.create({ description: 'Write' })
    await tracker.start(id, { by: 'ana' })
    await tracker.complete(id)

    expect(tracker.workload()).toMatchObject([{ member: 'ana', done: 1 }])
  })

  it('is the same in a process that opens the crew later (RP-05)', async () => {
    const crew = await open()
    const ana = await crew.join('ana')
    for (const outcome of ['complete', 'fail'] as const) {
      await crew.tracker.create({ description: outcome })
      const attempt = await ana.claim()
      await environment.advance('5s')
      await (outcome === 'complete'
        ? attempt!.complete({ usage: { tokens: 7 } })
        : attempt!.fail({ error: 'No', retryable: false }))
    }
    const later = await open()

    for (const name of ['summary', 'workload'] as const)
      expect(later.reports.generate(name as 'summary').data).toEqual(crew.reports.generate(name as 'summary').data)
    expect(later.reports.generate('summary').data).toMatchObject({ durations: { count: 1 }, usage: { tokens: 7 } })
  })
})

describe('numbers at their limits', () => {
  it('keep a pause finite however often a task failed', async () => {
    const tracker = new TaskTracker({ environment, retry: { attempts: 2000, backoffMs: { base: 0, cap: 0 } } })
    const { id } = await tracker.create({ description: 'Try' })
    for (let failures = 0; failures < 1100; failures++) {
      await tracker.start(id, { by: 'ana' })
      await tracker.fail(id, { error: 'No' })
    }
    expect(tracker.get(id)?.notBefore).toBe(environment.now())
  })

  it('keep a sum of usage that a journal can hold (SA-11)', async () => {
    const tracker = new TaskTracker({ environment })
    const { id } = await tracker.create({ description: 'Spend' })
    await tracker.start(id, { by: 'ana' })
    await tracker.progress(id, { usage: { tokens: 1.5e308 } })
    await tracker.progress(id, { usage: { tokens: 1.5e308 } })
    expect(tracker.get(id)?.usage).toEqual({ tokens: Number.MAX_VALUE })
  })
})

it('a process that died commits nothing more, though its storage answers again', async () => {
  const [dying, other] = [await open(), await open()]
  await dying.join('ana')
  isAway = true
  dying.tracker.create({ description: 'Late' }).catch(() => undefined)
  await environment.advance('1s')
  isAway = false
  await crash(dying)
  await environment.advance('1m')
  await other.sync()

  expect(other.tracker.count()).toBe(0)
})

describe('a replica that can only be read', () => {
  it('says why, and does not try for ever what only a writer can do (SA-16) (MP-08)', async () => {
    const errors: unknown[] = []
    const crew = await openCrew({ storage, environment, onError: (error) => errors.push(error) })
    const other = await open()
    const ana = await crew.join('ana', { capacity: 2 })
    await crew.tracker.createMany(['mine', 'theirs'].map((id) => ({ id, description: id })))
    await crew.tracker.create({ id: 'due', description: 'Due', failAt: environment.now() + 1000 })
    await ana.claim({ taskId: 'mine' })
    await other.sync()
    await other.tracker.claim('ana', { taskId: 'theirs' })
    await crew.sync()
    await crash(other)
    const { seq, id: prev } = crew.journal.head!
    await storage.append('crew', { seq: seq + 1, id: 'strange', prev, format: 99, at: 0, events: [] })
    await environment.advance('1h')

    expect(errors[0]).toMatchObject({ code: 'unsupported_version' })
    expect(errors.length).toBeLessThan(10)
    await expect(ana.claim()).rejects.toMatchObject({ code: 'read_only' })
    await crew.close()
  })
})
