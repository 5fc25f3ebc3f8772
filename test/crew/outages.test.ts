import { type Checkpoint, type Commit, type CrewError, type JournalStorage, MemoryStorage } from 'crewlog'
import { faultyStorage, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openTeam, watch } from '../support/team.js'

/** Its members, and the storage that can be made to fail. */
async function onFaultyStorage(members: readonly string[]) {
  const environment = manualEnvironment()
  const storage = faultyStorage(new MemoryStorage(), { environment })
  return { ...(await openTeam(members, { storage, environment })), environment, storage }
}

describe('a storage that is away for a minute', () => {
  it('lets fifty workers go on within half a minute after, and charges the tasks nothing (MP-06)', async () => {
    const members = Array.from({ length: 50 }, (_, n) => `m${n}`)
    const { crew, tracker, environment, storage } = await onFaultyStorage(members)
    for (const id of members) crew.as(id).work(() => 'done')
    storage.fail('error')
    const created = tracker.createMany(members.map((id) => ({ id: `of ${id}`, description: id }))).catch(String)
    await environment.advance('60s')
    storage.heal()
    await created
    const left = members.filter((id) => !tracker.get(`of ${id}`))
    if (left.length > 0) await tracker.createMany(left.map((id) => ({ id: `of ${id}`, description: id })))
    await environment.advance('30s')
    expect(tracker.count({ status: 'completed' })).toBe(50)
    expect(tracker.list().every(({ counted, attemptCount }) => counted.failures === 0 && attemptCount === 1)).toBe(true)
  })

  it('takes no worker away whose claim or completion was under way (MP-06) (RL-07)', async () => {
    const { crew, tracker, environment, storage } = await onFaultyStorage(['ana'])
    crew.as('ana').work(() => 'done')
    await tracker.create({ id: 'before', description: 'Tides' })
    storage.fail('lost answer')
    await environment.advance('1s')
    storage.fail('error')
    await environment.advance('60s')
    storage.heal()
    const created = tracker.create({ id: 'after', description: 'Tides' })
    await environment.advance('10s')
    await created
    // What nobody was told of ends after its lease at the latest.
    await environment.advance('2m')
    expect([tracker.status('before'), tracker.status('after')]).toEqual(['completed', 'completed'])
  })

  it('loses no message whose last return it does not answer: it is dead, or still there (MS-16)', async () => {
    const { crew, communications, environment, storage } = await onFaultyStorage(['ana', 'bo'])
    const sent = await crew.as('ana').send('bo', 'hi')
    const bo = crew.as('bo')
    for (let n = 1; n < 10; n++) await bo.giveBack((await bo.receive())[0]!)
    const [last] = await bo.receive()
    storage.fail('error')
    const given = watch(bo.giveBack(last!, { reason: 'no' }))
    await environment.advance('40s')
    expect(given.state).toBe('outcome_unknown')
    expect(communications.deliveries(sent.id!)).toMatchObject([{ state: 'leased', count: 10 }])
    storage.heal()
    await environment.advance('10s')
    await bo.giveBack(last!, { reason: 'no' })
    expect(communications.deliveries(sent.id!)).toMatchObject([{ state: 'dead' }])
  })
})

describe('work', () => {
  it('goes on after a task whose input its handler cannot read, which fails with the words of the error (TL-10)', async () => {
    const { crew, tracker } = await openTeam(['ana'])
    await tracker.create({ id: 'old', description: 'x', input: { format: 1 }, retry: { attempts: 1 } })
    await tracker.create({ id: 'new', description: 'x', input: '{"port":80}' })
    crew.as('ana').work(({ task }) => {
      return JSON.parse(task.input as string)
    })
    await crew.idle()
    expect(tracker.get('old')).toMatchObject({ status: 'failed', failure: { code: 'failed' } })
    expect(tracker.get('new')).toMatchObject({ status: 'completed', result: { port: 80 } })
  })

  it('that is stopped as it begins takes nothing, and leaves nothing behind (MP-05)', async () => {
    const { crew, tracker, environment, errors } = await openTeam(['ana'])
    await tracker.create({ id: 'a', description: 'Tides' })
    for (let n = 0; n < 100; n++) {
      const running = crew.as('ana').work(() => undefined)
      const listening = crew.as('ana').listen(() => undefined)
      await Promise.all([running.stop(), listening.stop()])
      await Promise.all([running.done, listening.done])
    }
    await environment.advance('1m')
    expect([errors, tracker.status('a') === 'in_progress']).toEqual([[], false])
    await crew.idle()
    await crew.close()
  })
})

describe('what is told of an outage', () => {
  it.each([
    // And once more that a commit of a loop or a lease was given up.
    ['hang', 2],
    // Says something else of each method.
    ['error', 3],
  ] as const)('is told once, by the call and journal that failed: %s', async (fault, most) => {
    const { crew, tracker, environment, storage, errors } = await onFaultyStorage(['ana', 'bo'])
    for (const id of ['ana', 'bo']) {
      crew.as(id).work(() => new Promise<void>((resolve) => void environment.setTimer(resolve, 1)))
      crew.as(id).listen(() => undefined)
    }
    const outage = async () => {
      const created = tracker.createMany([{ description: 'a' }, { description: 'b' }])
      await environment.advance('10ms')
      await created
      storage.fail(fault)
      tracker.create({ description: 'x' }).catch(() => undefined)
      await environment.advance('5m')
      storage.heal()
      await environment.advance('2m')
    }
    await outage()
    const told = errors.map((error) => (error as CrewError).message)
    expect(told[0]).toMatch(/The storage (did not answer|failed at) (append|read) of journal crew/)
    expect(told.length).toBeLessThanOrEqual(most)
    expect(new Set(told).size).toBe(told.length)
    await environment.advance('1h')
    expect(errors).toHaveLength(told.length)
    await outage()
    expect(errors.length).toBeGreaterThan(told.length)
  })

  it('is told again when the reason is another one, or a method still fails when others are answered', async () => {
    const environment = manualEnvironment()
    const errors: CrewError[] = []
    let wrong: readonly string[] = []
    let reason = 'no route'
    const real = new MemoryStorage()
    const refused = (call: string) => (wrong.includes(call) ? Promise.reject(new Error(reason)) : undefined)
    const storage: JournalStorage = {
      writers: 'many',
      maxCommitBytes: Infinity,
      append: (...args: [string, Commit]) => refused('append') ?? real.append(...args),
      read: (...args: [string, number, number]) => refused('read') ?? real.read(...args),
      saveCheckpoint: (...args: [string, Checkpoint]) => real.saveCheckpoint(...args),
      loadCheckpoint: (journal, before) => real.loadCheckpoint(journal, before),
      trim: (journal, through) => real.trim(journal, through),
    }
    const { crew, tracker } = await openTeam(['ana'], {
      storage,
      environment,
      onError: (error) => errors.push(error as CrewError),
    })
    await tracker.create({ id: 'a', description: 'x' })
    await crew.as('ana').claim()
    const told = () => errors.splice(0).map(({ code, message }) => [code, message.split(': ')[1]])
    wrong = ['append', 'read']
    await environment.advance('1m')
    expect(told()).toEqual([
      ['storage_unavailable', 'no route'],
      ['outcome_unknown', undefined],
    ])
    reason = 'access denied'
    await environment.advance('1m')
    expect(told()[0]).toEqual(['storage_unavailable', 'access denied'])
    wrong = ['append']
    await environment.advance('2m')
    expect(told().every(([code]) => code === 'outcome_unknown')).toBe(true)
    wrong = ['read']
    await environment.advance('2m')
    expect(told()).toContainEqual(['storage_unavailable', 'access denied'])
  })
})
