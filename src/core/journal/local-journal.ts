import {
  type Batch,
  BATCH_EVENTS,
  type Command,
  type Decide,
  type Decided,
  decideBatch,
  type Sequel,
  type Wire,
} from './decision.js'
import { type Environment, systemEnvironment } from '../environment.js'
import { invalid } from '../errors.js'
import { contained, logError } from '../contained.js'
import { duration, flag, limits, withMethods } from '../input.js'
import type { Commit, JournalEvent } from './journal-storage.js'
import type { JournalLog } from './journal-log.js'
import type { Leases } from './leases.js'
import { apply, type CommitInfo, type Observer, type Projection, revert, type Slice, type Step } from './projection.js'

export const environmentPort = withMethods<Environment>('now', 'monotonic', 'setTimer', 'id', 'random')

/**
 * A journal that only this process sees and nobody keeps: what is decided stands at once. `Journal` is one that others
 * share, in a storage.
 */
export class LocalJournal {
  readonly environment: Environment
  /** Hears what nobody awaits. */
  readonly onError: (error: unknown) => void
  /** Of this open journal: the leases taken through it are renewed and ended together. */
  readonly session: string
  /** What sessions hold against each other; undefined where there is no other. @hidden */
  readonly leases: Leases | undefined
  /** What is stored; undefined where nothing is kept. @hidden */
  readonly log: JournalLog | undefined

  /** Undecided, first come first. @internal */
  protected queue: Command[] = []
  /** @internal */
  protected readonly observers: Observer[] = []
  /** What follows from a command that changes something, in its turn. @internal */
  protected sequel: Sequel | undefined
  /** Most events in the next commit. @internal */
  protected most = BATCH_EVENTS
  readonly #projections = new Map<string, Projection>()
  /** The same by each type of event that was folded. */
  readonly #byType = new Map<string, Projection>()
  /** @internal */
  protected newest: CommitInfo | undefined
  /** Events came that nobody here folds. @internal */
  protected hasStrange = false
  #tickets = 0
  #isBusy = false
  #isDeciding = false

  constructor(environment = systemEnvironment, onError: (error: unknown) => void = logError) {
    this.environment = environment
    this.onError = contained(onError)
    this.session = environment.id()
  }

  /** The newest commit folded. */
  get head(): CommitInfo | undefined {
    return this.newest
  }

  /** Whether a command is under way. @internal */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Whether changes are only tried, to be taken back at the end of the turn. @internal */
  get isDeciding(): boolean {
    return this.#isDeciding
  }

  /** Throws `not_open` before, `closed` after. @internal */
  assertOpen(): void {
    // Always open.
  }

  /** Whether it is one that stands at a moment that has passed. @internal */
  get isPast(): boolean {
    return false
  }

  /** Throws `read_only` where what is waited for never comes. @internal */
  assertGoesOn(): void {
    // A past alone does not.
  }

  /** The projection of that kind, made at first use: all that fold this journal share it. @internal */
  project<P extends Projection>(kind: string, make: () => P): P {
    return this.projection<P>(kind) ?? this.add(kind, make())
  }

  /** Adds the one projection of that kind, while there is nothing yet to fold. @internal */
  add<P extends Projection>(kind: string, projection: P): P {
    if (this.newest ?? this.projection(kind))
      throw invalid(`This journal has what folds its ${kind} events, or is in use: make all before you open it`)
    this.#projections.set(kind, projection)
    return projection
  }

  /** The projection of that kind, if anybody here folds it. @internal */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- who asks for a kind knows its class
  projection<P extends Projection>(kind: string): P | undefined {
    return this.#projections.get(kind) as P | undefined
  }

  /** Makes what checkpoints keep beside the projections, where there are checkpoints. @internal */
  keep<S extends Slice>(_kind: string, make: () => S): S {
    return make()
  }

  /** @internal */
  observe(observer: Observer): void {
    this.observers.push(observer)
  }

  /** What follows from each command of this process that changes something. @internal */
  afterEach(sequel: Sequel): void {
    this.sequel = sequel
  }

  /** Runs a command. Resolves when its events are stored, or when it is certain that it has nothing to change. @internal */
  decide<T>(decide: Decide<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.assertOpen()
      this.enqueue(decide, resolve as (value: unknown) => void, reject)
    })
  }

  /** @internal */
  protected enqueue(
    decide: Decide<unknown>,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    this.queue.push({ decide, resolve, reject, ticket: ++this.#tickets })
    if (this.#isBusy) return
    this.#isBusy = true
    // Not at once, so that what is called in one go shares one commit.
    queueMicrotask(() => void this.#work())
  }

  /** How many commands have been called. @internal */
  protected get tickets(): number {
    return this.#tickets
  }

  /** Makes a commit stand, or its commands queue again; its steps are applied. @internal */
  protected async send(batch: Batch, commit: Commit): Promise<void> {
    this.#stand(commit, batch.steps)
    batch.decided.forEach(answer)
  }

  /** Takes back what was decided, in the turn in which it was. @internal */
  protected takeBack(steps: readonly Step[]): void {
    this.#isDeciding = true
    revert([...steps])
    this.#isDeciding = false
  }

  /** Answers commands that change nothing, once that is certain. @internal */
  protected async confirm(decided: readonly Decided[]): Promise<void> {
    decided.forEach(answer)
  }

  /** How events travel, where they do. @internal */
  protected wire(): Wire | undefined {
    return undefined
  }

  /** Folds the next commit, whole or not at all, and tells of it if it is news. @internal */
  protected fold(commit: Commit, known?: readonly Step[], isNews = true): void {
    const steps: Step[] = []
    try {
      for (const event of commit.events) {
        const step = known?.[steps.length] ?? this.#fold(event, commit)
        apply(step)
        steps.push(step)
      }
    } catch (error) {
      revert(steps)
      throw error
    }
    this.#stand(commit, steps, isNews)
  }

  /** The steps of a commit are applied for good. */
  #stand({ seq, id, at, events }: Commit, steps: readonly Step[], isNews = true): void {
    const head: CommitInfo = Object.freeze({ seq, id, at })
    this.newest = head
    for (let index = 0; index < events.length; index++) {
      const event = events[index] as JournalEvent
      const change = steps[index]?.change
      for (const observer of this.observers) {
        // What stands is no less true because somebody who hears of it fails.
        try {
          if (isNews) observer.heard?.(event, head, change, index)
          else observer.replayed?.(event, change)
        } catch (error) {
          this.onError(error)
        }
      }
    }
    if (!isNews) return
    this.#tellAll('settled')
  }

  #tellAll(what: 'settled' | 'rested'): void {
    for (const observer of this.observers) {
      try {
        observer[what]?.()
      } catch (error) {
        this.onError(error)
      }
    }
  }

  readonly #fold = (event: JournalEvent, commit: CommitInfo): Step => {
    const projection = this.#byType.get(event.type) ?? this.#projectionOf(event.type)
    if (!projection) this.hasStrange = true
    return { projection, change: projection?.fold(event, commit) }
  }

  #projectionOf(type: string): Projection | undefined {
    const kind = type.slice(0, type.indexOf('.'))
    // What is of the whole crew has a projection for each.
    const projection = this.#projections.get(kind === 'crew' ? type : kind)
    if (projection) this.#byType.set(type, projection)
    return projection
  }

  /** Decides, sends and settles until nobody waits. One runs at a time. */
  async #work(): Promise<void> {
    while (this.queue.length > 0) {
      let batch: Batch | undefined
      try {
        batch = this.#decideNext()
        this.queue.splice(0, batch.decided.length)
        await (batch.commit ? this.send(batch, batch.commit) : this.confirm(batch.decided))
      } catch (error) {
        // An environment that throws: nobody is left waiting for it.
        for (const { command } of batch?.decided ?? []) command.reject(error)
        for (const command of this.queue.splice(0)) command.reject(error)
      }
    }
    this.#isBusy = false
    this.#tellAll('rested')
  }

  #decideNext(): Batch {
    const { seq, id: prev } = this.newest ?? { seq: 0, id: '' }
    const next = { seq: seq + 1, id: this.environment.id(), at: this.environment.now(), prev }
    this.#isDeciding = true
    try {
      return decideBatch(this.#fold, this.queue, next, this.most, this.wire(), this.sequel)
    } finally {
      this.#isDeciding = false
    }
  }
}

/** How long what is handed out holds without a renewal, ms. */
export const leaseMs = duration(1000)
/** What a class that folds a journal, and decides on it, is given. */
export const journalFields = {
  journal: withMethods<LocalJournal>('decide', 'observe'),
  environment: environmentPort,
  strictMembers: flag,
  limits,
  leaseMs,
}

/** None given means one of its own, in memory. */
export function journalOf({
  journal,
  environment,
}: {
  readonly journal?: LocalJournal
  readonly environment?: Environment
}): LocalJournal {
  if (journal && environment) throw invalid('A journal brings its environment: pass one of the two')
  return journal ?? new LocalJournal(environment)
}

export function answer({ command, value, error }: Decided): void {
  if (error === undefined) command.resolve(value)
  else command.reject(error)
}
