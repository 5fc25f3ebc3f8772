import { type Commit, CrewError, Journal, MemoryStorage } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { commands, Registers } from '../../support/registers.js'
import { watch } from '../../support/team.js'

/** Writes down what is asked of it; before an append, `rival` may be faster. */
class Observed extends MemoryStorage {
  readonly calls: {
    readonly call: 'append' | 'read'
    readonly at: number
    readonly events?: number
    readonly after?: number
  }[] = []
  /** Whether the call fails. */
  isAway = false
  /** After which commit a read fails. */
  unreadable: number | undefined
  sent: Commit | undefined
  rival: (commit: Commit) => boolean = () => false
  /** What a refusal says was missed. */
  missed = (commits: readonly Commit[]): readonly Commit[] => commits

  constructor(readonly environment: { monotonic(): number }) {
    super()
  }

  override async append(journal: string, commit: Commit) {
    this.calls.push({ call: 'append', at: this.environment.monotonic(), events: commit.events.length })
    this.sent = commit
    if (this.isAway) throw new CrewError('storage_unavailable', 'away')
    if (this.rival(commit)) await super.append(journal, { ...commit, id: `rival ${commit.seq}`, events: [] })
    const answer = await super.append(journal, commit)
    return answer.appended ? answer : { appended: false as const, missed: this.missed(answer.missed ?? []) }
  }

  override async read(journal: string, after: number, limit: number) {
    this.calls.push({ call: 'read', at: this.environment.monotonic(), after })
    if (this.unreadable === after) throw new CrewError('storage_unavailable', 'away')
    return super.read(journal, after, limit)
  }

  get sizes(): readonly (number | undefined)[] {
    return this.calls.filter(({ call }) => call === 'append').map(({ events }) => events)
  }

  times(of: string): readonly number[] {
    return this.calls.filter(({ call }) => call === of).map(({ at }) => at)
  }
}

/** A journal that waits as long as it may, or half of that. */
async function opened(random = 0.5, watches = true) {
  const environment = manualEnvironment({ random: () => random })
  const storage = new Observed(environment)
  if (!watches) Object.assign(storage, { watch: undefined })
  const journal = new Journal({ storage, environment, onError: () => undefined })
  const registers = Registers.on(journal)
  await journal.open()
  storage.calls.length = 0
  const write = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => commands.write(journal, 'a', String(n))))
  return { environment, storage, journal, registers, write }
}

describe('commands that are called in one go', () => {
  it('share commits, of a thousand at most', async () => {
    const { storage, write, registers } = await opened()
    await write(2500)
    expect(storage.sizes).toEqual([1000, 1000, 500])
    expect(registers.values.get('a')).toHaveLength(2500)
  })

  it('are tried again by halves when rivals are faster, down to one, and by twice as many when they are not', async () => {
    const { storage, write, registers } = await opened()
    let rivals = 12
    storage.rival = () => rivals-- > 0
    await write(5000)
    const down = [1000, 500, 250, 125, 62, 31, 15, 7, 3, 1, 1, 1]
    expect(storage.sizes.slice(0, down.length)).toEqual(down)
    const up = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000, 1000]
    expect(storage.sizes.slice(down.length, down.length + up.length)).toEqual(up)
    expect(registers.values.get('a')).toHaveLength(5000)
  })
})

describe('a journal that opens', () => {
  it('goes on where it stopped when it failed halfway', async () => {
    const { environment, storage, journal: writer } = await opened()
    for (let n = 0; n < 150; n++) await commands.write(writer, 'a', String(n))
    await writer.close()
    const journal = new Journal({ storage, environment, onError: () => undefined })
    const registers = Registers.on(journal)
    storage.unreadable = 99
    await expect(journal.open()).rejects.toMatchObject({ code: 'storage_unavailable' })
    storage.unreadable = undefined
    storage.calls.length = 0
    await journal.open()
    expect(storage.calls.map(({ after }) => after)).toEqual([99])
    expect(registers.values.get('a')).toHaveLength(150)
  })

  it('waits for a checkpoint that takes a minute to load', async () => {
    const environment = manualEnvironment()
    const storage = new MemoryStorage()
    storage.loadCheckpoint = () =>
      new Promise((resolve) => {
        environment.setTimer(() => {
          resolve(undefined)
        }, 60_000)
      })
    const journal = new Journal({ storage, environment })
    const opening = watch(journal.open())
    await environment.advance('61s')
    expect(opening.state).toBe(undefined)
  })
})

describe('a journal that is closed', () => {
  it('asks nothing of a storage that it never opened', async () => {
    const environment = manualEnvironment()
    const storage = new Observed(environment)
    await new Journal({ storage, environment }).close()
    await environment.settle()
    expect(storage.calls).toEqual([])
  })

  it('as it pauses does not try again', async () => {
    const { environment, storage, journal, write } = await opened(0.5)
    storage.isAway = true
    const written = watch(write(1))
    await environment.advance('20s')
    const closing = watch(journal.close())
    await environment.advance('8s')
    expect([written.state, closing.state]).toEqual(['outcome_unknown', undefined])
    expect(storage.times('append').at(-1)).toBe(25_675)
  })
})

describe('a commit', () => {
  it('is sent no more once a read tells that it is stored', async () => {
    const { environment, storage, journal, write } = await opened(0.5)
    storage.isAway = true
    const written = watch(write(1))
    await environment.advance('20s')
    await MemoryStorage.prototype.append.call(storage, 'crew', storage.sent!)
    await journal.sync()
    expect(written.state).toEqual([undefined])
    const { length } = storage.sizes
    await environment.advance('10s')
    expect(storage.sizes).toHaveLength(length)
  })

  it('is folded once, though its answer comes after a read that brought it', async () => {
    const { environment, storage, journal, registers, write } = await opened()
    const append = storage.append.bind(storage)
    let tell = (): void => undefined
    storage.append = async (...call) => {
      const appended = await append(...call)
      await new Promise<void>((resolve) => (tell = resolve))
      return appended
    }
    const written = watch(write(1))
    await environment.settle()
    await journal.sync()
    expect(written.state).toEqual([undefined])
    tell()
    await environment.settle()
    storage.append = append
    await write(1)
    expect(registers.values.get('a')).toHaveLength(2)
  })
})

describe('a command that finds nothing', () => {
  it('is not answered by a read that began before it was called', async () => {
    const { environment, storage, journal } = await opened(0.5, false)
    const rival = new Journal({ storage, environment, onError: () => undefined })
    Registers.on(rival)
    await rival.open()
    const read = storage.read.bind(storage)
    let answer = (): void => undefined
    storage.read = async (...call) => {
      storage.read = read
      const run = await read(...call)
      await new Promise<void>((resolve) => (answer = resolve))
      return run
    }
    const first = watch(commands.take(journal, 'b', 'first'))
    await environment.settle()
    await commands.write(rival, 'b', 'rival')
    const second = watch(commands.take(journal, 'b', 'second'))
    answer()
    await environment.settle()
    expect([first.state, second.state]).toContainEqual(['rival'])
  })
})

describe('a rival that was seen', () => {
  it('is given way to for a second: what it wrote is read before more is written', async () => {
    const { environment, storage, write } = await opened(0.5, false)
    let rivals = 1
    storage.rival = () => rivals-- > 0
    await write(1)
    for (const [ms, reads] of [
      [0, 1],
      [999, 1],
      [1, 0],
    ] as const) {
      await environment.advance(ms)
      storage.calls.length = 0
      await write(1)
      await environment.settle()
      expect(storage.calls.map(({ call }) => call)).toEqual(['append', ...Array<string>(reads).fill('read')])
    }
  })
})

describe('a refusal', () => {
  /** What is read before one command is answered that a rival was faster than, as often as it is said. */
  async function reads(missed: (commits: readonly Commit[]) => readonly Commit[], rivals = 1) {
    const { storage, write, registers } = await opened(0.5, false)
    await write(1)
    storage.calls.length = 0
    storage.missed = missed
    storage.rival = () => rivals-- > 0
    await write(1)
    expect(registers.values.get('a')).toEqual(['0', '0'])
    const tries = storage.calls.findLastIndex(({ call }) => call === 'append')
    return storage.calls.slice(0, tries).filter(({ call }) => call === 'read').length
  }

  it('that brings what was missed is decided on without a read', async () => {
    expect(await reads((commits) => commits)).toBe(0)
    expect(await reads((commits) => commits, 3)).toBe(0)
  })

  it('may bring more than was missed', async () => {
    const known = { seq: 1, id: 'known', prev: '', format: 1, at: 0, events: [] }
    expect(await reads((commits) => [known, ...commits])).toBe(0)
  })

  it('that brings nothing, or what does not follow, is read about', async () => {
    expect(await reads(() => [])).toBe(1)
    expect(await reads((commits) => commits.map((commit) => ({ ...commit, seq: commit.seq + 1 })))).toBe(1)
    expect(await reads((commits) => commits.map((commit) => ({ ...commit, prev: 'another' })))).toBe(1)
  })
})

describe('a storage that is away', () => {
  it('is tried again after pauses that grow from 50 ms to five seconds, for half a minute', async () => {
    const { environment, storage, write } = await opened(1 - 2 ** -20)
    storage.isAway = true
    const written = watch(write(1))
    await environment.advance('29s')
    expect(written.state).toBe('pending')
    const times = storage.times('append')
    const pauses = times.slice(1).map((at, n) => Math.ceil(at - times[n]!))
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000])
    await environment.advance('6s')
    expect(written.state).toBe('outcome_unknown')
    expect(storage.times('append').length).toBe(times.length + 1)
  })

  it('is tried again sooner, by chance, so that not all come at once', async () => {
    const { environment, storage, write } = await opened(0.5)
    storage.isAway = true
    const written = watch(write(1))
    await environment.advance('200ms')
    expect(storage.times('append')).toEqual([0, 25, 75, 175])
    storage.isAway = false
    await environment.advance('1s')
    expect(written.state).toEqual([undefined])
  })
})

describe('a storage that is away long after the journal was opened', () => {
  it('is tried again for as long', async () => {
    const { environment, storage, write } = await opened()
    await environment.advance('1h')
    storage.isAway = true
    const written = watch(write(1))
    await environment.advance('10s')
    storage.isAway = false
    await environment.advance('5s')
    expect(written.state).toEqual([undefined])
  })
})

describe('a storage that wakes nobody', () => {
  it.each([
    [0, [2500, 5000, 7500, 10_000]],
    [0.5, [3750, 7500]],
  ])('is looked at every two and a half to five seconds, by chance %d', async (random, times) => {
    const { environment, storage, journal } = await opened(random, false)
    await environment.advance('10s')
    expect(storage.times('read')).toEqual(times)
    await journal.close()
    storage.calls.length = 0
    await environment.advance('1m')
    expect(storage.calls).toEqual([])
  })
})
