import { type Commit, CrewError, Journal, MemoryStorage } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { commands, Registers } from '../../support/registers.js'
import { watch } from '../../support/team.js'

/** Writes down what is asked of it; before an append, `rival` may be faster. */
class Observed extends MemoryStorage {
  readonly calls: { readonly call: 'append' | 'read'; readonly at: number; readonly events?: number }[] = []
  /** Whether the call fails. */
  isAway = false
  rival: (commit: Commit) => boolean = () => false

  constructor(readonly environment: { monotonic(): number }) {
    super()
  }

  override async append(journal: string, commit: Commit) {
    this.calls.push({ call: 'append', at: this.environment.monotonic(), events: commit.events.length })
    if (this.isAway) throw new CrewError('storage_unavailable', 'away')
    if (this.rival(commit)) await super.append(journal, { ...commit, id: `rival ${commit.seq}`, events: [] })
    return super.append(journal, commit)
  }

  override async read(journal: string, after: number, limit: number) {
    this.calls.push({ call: 'read', at: this.environment.monotonic() })
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
