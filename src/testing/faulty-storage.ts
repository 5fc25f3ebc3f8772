import type { Abortable } from '../core/abortable.js'
import { type Environment, type Off, pause, systemEnvironment } from '../core/environment.js'
import { invalid } from '../core/errors.js'
import { type Id, number, object, read } from '../core/input.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from '../core/journal/journal-storage.js'
import { storagePort } from '../core/journal/storage-client.js'
import { environmentPort } from '../core/journal/local-journal.js'
import {
  bySeed,
  CALLS,
  detailed,
  type Fault,
  type FaultDetails,
  type FaultPlan,
  fits,
  msOf,
  type Oracle,
  plan,
  rates,
  type StorageCall,
  storageCall,
  type TimedFault,
} from './fault-plan.js'
import { RewindableStorage } from './rewindable-storage.js'

export interface FaultyStorageOptions {
  /** Whose timers delays use; default: the platform's. */
  readonly environment?: Environment
  readonly plan?: FaultPlan
  /** Instead of a plan: chance that repeats. */
  readonly seed?: number
  /** With a seed: how often each fault befalls a call, 0–1; default: each a little, but for `regress`. */
  readonly rates?: { readonly [F in Fault]?: number }
}

/** What a faulty storage did. */
export interface FaultRecord extends TimedFault {
  readonly call: StorageCall
  readonly nth: number
  readonly journal: Id
  /** Of an append: the number of the commit. */
  readonly seq?: number
  /** By the wall clock of the environment. */
  readonly at: number
}

const options = object({ environment: environmentPort, plan, seed: number(), rates })

/**
 * A storage between crews and the real one that goes wrong as planned, or by a seed; with neither, it goes well until
 * `fail`. With a manual environment and the same seed, the same calls go wrong in the same way.
 */
export function faultyStorage(storage: JournalStorage, given: FaultyStorageOptions = {}): FaultyStorage {
  const { environment = systemEnvironment, plan: oracle, seed, rates: chances } = read(options, given, 'options')
  if (oracle && (seed ?? chances) !== undefined) throw invalid('A storage fails by a plan or by a seed: pass one')
  if (chances && seed === undefined)
    throw invalid('Rates need a seed, so that a run can be repeated: { seed: 1, rates }')
  const byChance = seed === undefined ? undefined : bySeed(seed, chances)
  return new FaultyStorage(read(storagePort, storage, 'storage'), environment, oracle ?? byChance)
}

/** Use `faultyStorage`. */
export class FaultyStorage implements JournalStorage {
  readonly writers: JournalStorage['writers']
  readonly maxCommitBytes: number
  readonly watch?: NonNullable<JournalStorage['watch']>
  /** The storage without the faults, as far as it is still there: what was lost by a `regress` is gone from it. */
  readonly real: JournalStorage

  readonly #real: RewindableStorage
  readonly #environment: Environment
  readonly #oracle: Oracle | undefined
  /** Set by `fail`: comes before the oracle. */
  #failing: { readonly details: TimedFault; readonly calls: readonly StorageCall[] } | undefined
  #isHealed = false
  readonly #faults: FaultRecord[] = []
  readonly #counts = new Map<StorageCall, number>()

  /** @internal */
  constructor(storage: JournalStorage, environment: Environment, oracle: Oracle | undefined) {
    this.real = this.#real = RewindableStorage.of(storage)
    this.#environment = environment
    this.#oracle = oracle
    this.writers = storage.writers
    this.maxCommitBytes = storage.maxCommitBytes
    if (storage.watch) this.watch = (journal, wake) => this.#watch(journal, wake)
  }

  /** What it did so far, in order: so that a failing test can be read. */
  get faults(): readonly FaultRecord[] {
    return this.#faults
  }

  /** From now on every call of these methods goes wrong like this; default: all but `close` and `wake`. */
  fail(how: Fault | FaultDetails, ...calls: readonly StorageCall[]): void {
    for (const call of calls) read(storageCall, call, 'call')
    this.#failing = {
      details: detailed(how, 'fault'),
      calls:
        calls.length > 0
          ? calls
          : CALLS.filter((call) => call !== 'close' && (call === 'wake') === (how === 'lost wake')),
    }
  }

  /** From now on nothing goes wrong, until `fail`; what hangs stays so. */
  heal(): void {
    this.#failing = undefined
    this.#isHealed = true
  }

  open(journal: string, limits?: Abortable): Promise<void> {
    return this.#suffer('open', journal, () => this.#real.open(journal, limits))
  }

  append(journal: string, commit: Commit, limits?: Abortable): Promise<Appended> {
    return this.#suffer('append', journal, () => this.#real.append(journal, commit, limits), commit.seq)
  }

  read(journal: string, after: number, limit: number, limits?: Abortable): Promise<Run> {
    return this.#suffer('read', journal, () => this.#real.read(journal, after, limit, limits))
  }

  saveCheckpoint(journal: string, checkpoint: Checkpoint, limits?: Abortable): Promise<void> {
    return this.#suffer('saveCheckpoint', journal, () => this.#real.saveCheckpoint(journal, checkpoint, limits))
  }

  loadCheckpoint(journal: string, before?: number, limits?: Abortable): Promise<Checkpoint | undefined> {
    return this.#suffer('loadCheckpoint', journal, () => this.#real.loadCheckpoint(journal, before, limits))
  }

  trim(journal: string, through: number, limits?: Abortable): Promise<void> {
    return this.#suffer('trim', journal, () => this.#real.trim(journal, through, limits))
  }

  close(journal: string): Promise<void> {
    return this.#suffer('close', journal, () => this.#real.close(journal))
  }

  #watch(journal: string, wake: () => void): Off {
    const woken = (): void => {
      const how = this.#next('wake', journal)
      if (how?.fault === 'delay') this.#environment.setTimer(wake, msOf(how))
      else if (!how) wake()
    }
    return this.#real.watch?.(journal, woken) ?? (() => undefined)
  }

  /** Not asynchronous by itself, so that `throw` throws. */
  #suffer<T>(call: StorageCall, journal: string, run: () => Promise<T>, seq?: number): Promise<T> {
    const how = this.#next(call, journal, seq)
    if (!how) return run()
    const failure = new Error(`faultyStorage: ${how.fault} of ${call}`)
    if (how.fault === 'throw') throw failure
    return this.#go(how, journal, failure, run)
  }

  async #go<T>(how: TimedFault, journal: string, failure: Error, run: () => Promise<T>): Promise<T> {
    switch (how.fault) {
      case 'hang':
        return new Promise<never>(() => undefined)
      case 'late':
        await this.#wait(msOf(how))
        await run()
        return new Promise<never>(() => undefined)
      case 'lost call':
        await this.#wait(msOf(how))
        throw failure
      case 'lost answer':
        await run()
        await this.#wait(msOf(how))
        throw failure
      case 'delay':
        await this.#wait(msOf(how))
        return run()
      case 'slow answer': {
        const answer = await run()
        await this.#wait(msOf(how))
        return answer
      }
      case 'refusal':
        return { appended: false } as T
      case 'false refusal':
        await run()
        return { appended: false } as T
      case 'regress':
        await this.#real.rewind(journal, how.commits ?? 1)
        return run()
      default:
        throw failure
    }
  }

  #next(call: StorageCall, journal: string, seq?: number): TimedFault | undefined {
    const nth = (this.#counts.get(call) ?? 0) + 1
    this.#counts.set(call, nth)
    const planned = this.#isHealed ? undefined : this.#oracle?.(call, nth)
    const how = this.#failing?.calls.includes(call) ? this.#failing.details : planned
    if (!how || !fits(call, how.fault)) return undefined
    const { fault: name, ms, commits } = how
    const record = {
      call,
      nth,
      journal,
      ...(seq !== undefined && { seq }),
      fault: name,
      ...(ms !== undefined && { ms }),
      ...(commits !== undefined && { commits }),
      at: this.#environment.now(),
    }
    this.#faults.push(Object.freeze(record))
    return how
  }

  /** Without a timer where there is nothing to wait for. */
  async #wait(ms: number): Promise<void> {
    if (ms > 0) await pause(this.#environment, ms)
  }
}
