import { type Commit, CrewError, MemoryStorage, openCrew } from 'crewlog'
import { type Fault, faultyStorage, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { watch } from '../support/team.js'

const CREW = 'crew'
const commit = (seq: number, id = `c${seq}`): Commit => ({
  seq,
  id,
  prev: seq > 1 ? `c${seq - 1}` : '',
  format: 1,
  at: 0,
  events: [{ type: 'note.written', id: 'n', at: 0, changes: { seq } }],
})
const invalid: unknown = expect.objectContaining({ code: 'invalid_input' })

async function idsIn(storage: Pick<MemoryStorage, 'read'>): Promise<readonly string[]> {
  const run = await storage.read(CREW, 0, 1000)
  return 'commits' in run ? run.commits.map(({ id }) => id) : [`trimmed to ${run.trimmedTo}`]
}

describe('a faulty storage', () => {
  it.each<[Fault, string, string, readonly string[]]>([
    ['error', 'Error: faultyStorage: error of append', 'Error: faultyStorage: error of append', []],
    ['lost call', 'Error: faultyStorage: lost call of append', 'Error: faultyStorage: lost call of append', []],
    [
      'lost answer',
      'Error: faultyStorage: lost answer of append',
      'Error: faultyStorage: lost answer of append',
      ['c2'],
    ],
    ['delay', 'pending', 'appended', ['c2']],
    ['slow answer', 'pending', 'appended', ['c2']],
    ['hang', 'pending', 'pending', []],
    ['late', 'pending', 'pending', ['c2']],
    ['refusal', 'refused', 'refused', []],
    ['false refusal', 'refused', 'refused', ['c2']],
  ])('does what %s means: %s at once, %s in the end', async (fault, atOnce, inTheEnd, stored) => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment, plan: [{ call: 'append', nth: 2, fault }] })
    await storage.append(CREW, commit(1))
    const second = watch(storage.append(CREW, commit(2)).then(({ appended }) => (appended ? 'appended' : 'refused')))
    await environment.settle()
    expect(second.state).toBe(atOnce)
    await environment.advance('15s')
    expect(second.state).toBe(inTheEnd)
    expect(await idsIn(storage.real)).toEqual(['c1', ...stored])
  })

  it('throws rather than rejects, when told to throw', () => {
    const storage = faultyStorage(new MemoryStorage(), { plan: [{ call: 'read', nth: 1, fault: 'throw' }] })
    expect(() => storage.read(CREW, 0, 1)).toThrow('throw of read')
  })

  it('waits as long as it is told', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), {
      environment,
      plan: [{ call: 'append', nth: 1, fault: 'delay', ms: '5s' }],
    })
    const answer = watch(storage.append(CREW, commit(1)))
    await environment.advance(4999)
    expect(answer.state).toBe('pending')
    await environment.advance(1)
    expect(answer.state).toEqual({ appended: true })
  })

  it('wakes nobody, or later, when told so', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), {
      environment,
      plan: [
        { call: 'wake', nth: 1, fault: 'lost wake' },
        { call: 'wake', nth: 2, fault: 'delay', ms: 10 },
      ],
    })
    let wakes = 0
    const off = storage.watch?.(CREW, () => wakes++)
    await storage.append(CREW, commit(1))
    await storage.append(CREW, commit(2))
    expect(wakes).toBe(0)
    await environment.advance(10)
    expect(wakes).toBe(1)
    await storage.append(CREW, commit(3))
    expect(wakes).toBe(2)
    off?.()
    await storage.append(CREW, commit(4))
    expect(wakes).toBe(2)
  })

  it('names the word that it does not know, and those that it knows', () => {
    const storage = faultyStorage(new MemoryStorage())
    const faults =
      'error, throw, lost call, lost answer, delay, slow answer, hang, late, refusal, false refusal, regress, lost wake'
    expect(() => {
      storage.fail('lost anwser' as never)
    }).toThrow(`fault must be one of ${faults}, not 'lost anwser'`)
    expect(() => {
      storage.fail('hang', 'write' as never)
    }).toThrow("call must be one of open, append, read, saveCheckpoint, loadCheckpoint, trim, close, wake, not 'write'")
    const plan = [{ call: 'append', nth: 1, fault: null }]
    expect(() => faultyStorage(new MemoryStorage(), { plan: plan as never })).toThrow(
      `options.plan[0].fault must be one of ${faults}, not null`,
    )
    const delay = [{ call: 'append', nth: 1, fault: 'delay', ms: '5 s' }] as const
    expect(() => faultyStorage(new MemoryStorage(), { plan: delay })).toThrow(
      'options.plan[0].ms must be milliseconds, or a number with its unit (ms, s, m, h, d)',
    )
  })

  it('goes wrong the nth time, and as many times as told', async () => {
    const storage = faultyStorage(new MemoryStorage(), {
      plan: [{ call: 'read', nth: 2, times: 2, fault: 'error' }],
    })
    const ends = []
    for (let n = 0; n < 5; n++) ends.push((await Promise.allSettled([storage.read(CREW, 0, 1)]))[0].status)
    expect(ends).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled', 'fulfilled'])
  })

  it('asks a plan that is a function, of each call', async () => {
    const asked: string[] = []
    const storage = faultyStorage(new MemoryStorage(), {
      plan: (call, nth) => {
        asked.push(`${call} ${nth}`)
        return call === 'trim' ? { fault: 'error' } : undefined
      },
    })
    await storage.append(CREW, commit(1))
    await storage.append(CREW, commit(2))
    await expect(storage.trim(CREW, 1)).rejects.toThrow('error of trim')
    await storage.loadCheckpoint(CREW)
    expect(asked).toEqual(['append 1', 'append 2', 'trim 1', 'loadCheckpoint 1'])
  })

  it('fails from now on, until it is healed', async () => {
    const storage = faultyStorage(new MemoryStorage(), { plan: [{ call: 'append', nth: 4, fault: 'error' }] })
    await storage.append(CREW, commit(1))
    storage.fail('error', 'append')
    await expect(storage.append(CREW, commit(2))).rejects.toThrow('error of append')
    await storage.read(CREW, 0, 1)
    storage.fail('lost answer')
    await expect(storage.read(CREW, 0, 1)).rejects.toThrow('lost answer of read')
    await expect(storage.append(CREW, commit(2))).rejects.toThrow('lost answer of append')
    storage.heal()
    expect(await storage.append(CREW, commit(3))).toEqual({ appended: true })
  })

  it('tells what it did, so that a failing test can be read', async () => {
    const environment = manualEnvironment({ now: 1000 })
    const storage = faultyStorage(new MemoryStorage(), {
      environment,
      plan: [
        { call: 'append', nth: 2, fault: 'false refusal' },
        { call: 'read', nth: 1, fault: 'delay', ms: 3 },
      ],
    })
    await storage.append(CREW, commit(1))
    await environment.advance(500)
    await storage.append(CREW, commit(2))
    void storage.read('other', 0, 1)
    expect(storage.faults).toEqual([
      { call: 'append', nth: 2, journal: CREW, seq: 2, fault: 'false refusal', at: 1500 },
      { call: 'read', nth: 1, journal: 'other', fault: 'delay', ms: 3, at: 1500 },
    ])
  })

  it('does the same with the same seed, and something else with another', async () => {
    const run = async (seed: number) => {
      const environment = manualEnvironment()
      const storage = faultyStorage(new MemoryStorage(), { environment, seed })
      for (let seq = 1; seq <= 200; seq++) void (async () => storage.append(CREW, commit(seq)))().catch(() => undefined)
      await environment.settle()
      return storage.faults.map(({ nth, fault }) => `${nth} ${fault}`)
    }
    expect(await run(7)).toEqual(await run(7))
    expect(await run(7)).not.toEqual(await run(8))
    expect((await run(7)).length).toBeGreaterThan(20)
  })

  it('goes wrong as often as its rates say, and in no other way', async () => {
    const storage = faultyStorage(new MemoryStorage(), { seed: 1, rates: { error: 0.1, refusal: 0.2, 'lost wake': 1 } })
    for (let n = 0; n < 1000; n++) {
      await storage.append(CREW, commit(1)).catch(() => undefined)
      await storage.read(CREW, 0, 1).catch(() => undefined)
    }
    const count = (call: string, fault: string) =>
      storage.faults.filter((one) => one.call === call && one.fault === fault).length
    expect(count('append', 'error')).toBeGreaterThan(70)
    expect(count('append', 'refusal')).toBeGreaterThan(150)
    expect(count('read', 'error')).toBeLessThan(130)
    expect(new Set(storage.faults.map(({ fault }) => fault))).toEqual(new Set(['error', 'refusal']))
  })

  it.each<[string, object]>([
    ['plan and seed', { plan: [], seed: 1 }],
    ['rates without a seed', { rates: { error: 1 } }],
    ['an unknown fault', { seed: 1, rates: { explosion: 1 } }],
    ['a rate over 1', { seed: 1, rates: { error: 2 } }],
    ['an unknown call', { plan: [{ call: 'write', nth: 1, fault: 'error' }] }],
    ['a call before the first', { plan: [{ call: 'append', nth: 0, fault: 'error' }] }],
    ['a refusal of what is no append', { plan: [{ call: 'read', nth: 1, fault: 'refusal' }] }],
    ['no plan', { plan: 'error' }],
  ])('refuses %s', (_, options) => {
    expect(() => faultyStorage(new MemoryStorage(), options)).toThrow(invalid)
    expect(() => faultyStorage({} as never)).toThrow(invalid)
  })

  it('refuses a plan that answers nonsense when it does', () => {
    const storage = faultyStorage(new MemoryStorage(), { plan: () => 'explosion' as never })
    expect(() => storage.read(CREW, 0, 1)).toThrow(invalid)
    expect(() => storage.fail('explosion' as never)).toThrow(invalid)
  })

  it('lets a crew work on that is cut off from it for a while', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment })
    const crew = await openCrew({ storage, environment, onError: () => undefined })
    storage.fail('hang')
    const task = watch(crew.tracker.create({ description: 'Tides' }))
    await environment.advance('15s')
    expect(task.state).toBe('pending')
    storage.heal()
    await environment.advance('15s')
    expect(task.state).toMatchObject({ description: 'Tides', status: 'pending' })
  })
})

describe('a storage that goes back in time', () => {
  const filled = async (count: number, nth: number, commits: number) => {
    const memory = new MemoryStorage()
    const storage = faultyStorage(memory, { plan: [{ call: 'read', nth, fault: 'regress', commits }] })
    for (let seq = 1; seq <= count; seq++) await storage.append(CREW, commit(seq))
    return { memory, storage }
  }

  it('has lost its newest commits, for all who see it through a faulty storage', async () => {
    const { memory, storage } = await filled(5, 1, 2)
    expect(await idsIn(storage)).toEqual(['c1', 'c2', 'c3'])
    expect(await idsIn(faultyStorage(memory))).toEqual(['c1', 'c2', 'c3'])
  })

  it('goes on from there, in another way than before', async () => {
    const { storage } = await filled(5, 1, 2)
    await storage.read(CREW, 0, 1)
    expect(await storage.append(CREW, commit(6))).toEqual({ appended: false })
    expect(await storage.append(CREW, commit(4, 'other'))).toEqual({ appended: true })
    expect(await storage.append(CREW, { ...commit(5, 'more'), prev: 'other' })).toEqual({ appended: true })
    expect(await idsIn(storage)).toEqual(['c1', 'c2', 'c3', 'other', 'more'])
    expect(await storage.read(CREW, 2, 2)).toMatchObject({ commits: [{ id: 'c3' }, { id: 'other' }] })
  })

  it('can do so again, into what was before and after', async () => {
    const { storage } = await filled(5, 1, 1)
    await storage.read(CREW, 0, 1)
    await storage.append(CREW, commit(5, 'other'))
    storage.fail({ fault: 'regress', commits: 1 }, 'read')
    expect(await idsIn(storage)).toEqual(['c1', 'c2', 'c3', 'c4'])
    storage.fail({ fault: 'regress', commits: 2 }, 'read')
    expect(await idsIn(storage)).toEqual(['c1', 'c2'])
    storage.fail({ fault: 'regress', commits: 9 }, 'read')
    expect(await idsIn(storage)).toEqual([])
    storage.heal()
    expect(await storage.append(CREW, commit(1, 'first'))).toEqual({ appended: true })
  })

  it('keeps what was trimmed gone, and the newest commit there is', async () => {
    const { storage } = await filled(5, 1, 9)
    await storage.trim(CREW, 3)
    expect(await idsIn(storage)).toEqual(['trimmed to 3'])
    expect(await storage.append(CREW, commit(5, 'other'))).toEqual({ appended: true })
    expect(await storage.read(CREW, 3, 9)).toMatchObject({ commits: [{ id: 'c4' }, { id: 'other' }] })
  })

  it('loses the checkpoints that were made of what it lost', async () => {
    const { storage } = await filled(5, 1, 2)
    const parts = async function* () {
      yield '{}'
    }
    for (const seq of [2, 4]) await storage.saveCheckpoint(CREW, { seq, id: `c${seq}`, format: 1, parts: parts() })
    expect((await storage.loadCheckpoint(CREW))?.seq).toBe(4)
    await storage.read(CREW, 0, 1)
    expect((await storage.loadCheckpoint(CREW))?.seq).toBe(2)
  })

  it('is told from a healthy one by those who followed it', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment })
    const errors: unknown[] = []
    const crew = await openCrew({ storage, environment, onError: (error) => errors.push(error) })
    for (const description of ['Tides', 'Moon']) await crew.tracker.create({ description })
    storage.fail('regress', 'read')
    await crew.sync().catch((error: unknown) => errors.push(error))
    storage.heal()
    // It stays where it is and says so, or follows the storage.
    expect(crew.tracker.count() < 2 || errors.some((error) => CrewError.is(error, 'journal_corrupt'))).toBe(true)
  })
})
