import { type Abortable, readAbortable, until } from './abortable.js'
import { CommitWire } from './commit-wire.js'
import type { Batch, Decide, Decided } from './decision.js'
import type { Environment, Off } from './environment.js'
import { CrewError, invalid } from './errors.js'
import { errorListener, id, object, read, type Reader, withMethods } from './input.js'
import { JournalLog } from './journal-log.js'
import { type Commit, FORMAT, type JournalStorage } from './journal-storage.js'
import { freezeJson } from './json.js'
import { Leases } from './leases.js'
import { answer, BATCH_EVENTS, environmentPort, LocalJournal } from './local-journal.js'
import { MemoryStorage } from './memory-storage.js'
import { StorageClient } from './storage-client.js'

export interface JournalOptions {
  /** Where it is kept; default: memory. */
  readonly storage?: JournalStorage
  /** Tells the journals in one storage apart; default 'crew'. */
  readonly name?: string
  readonly environment?: Environment
  /** Hears what nobody awaits: errors of listeners, handlers, timers. Default: console.error. */
  readonly onError?: (error: unknown) => void
}

/** A commit on its way. */
interface Sent extends Batch {
  readonly commit: Commit
  /** By the monotonic clock. */
  readonly decidedAt: number
  readonly tellTaken: () => void
}

/** After which the fate of a commit, or the end of the log, counts as unknowable. */
const PATIENCE_MS = 30_000
const LONGEST_PAUSE_MS = 5000
const CLOSE_MS = 8000
const POLL_MS = 5000
/** How long a rival that was seen is given way to. */
const RIVAL_MS = 1000

const storageMethods = withMethods<JournalStorage>('append', 'read', 'saveCheckpoint', 'loadCheckpoint', 'trim')
/** A storage. What an adapter forgot to say must not turn into a wrong guess. */
export const storagePort: Reader<JournalStorage> = (value, name, limits) => {
  if (typeof value !== 'object')
    throw invalid(`${name} must be a storage: new MemoryStorage(), or fileStorage(folder) of crewlog/storage/file`)
  const storage = storageMethods(value, name, limits)
  if (!['one', 'many'].includes(storage.writers)) throw invalid(`${name}.writers must be 'one' or 'many'`)
  if (typeof storage.maxCommitBytes !== 'number' || !(storage.maxCommitBytes > 0))
    throw invalid(`${name}.maxCommitBytes must be a number of bytes, or Infinity`)
  return storage
}
const options = object({ storage: storagePort, name: id, environment: environmentPort, onError: errorListener })

/** The log of a crew in a storage that others may share, and the one way to add to it. */
export class Journal extends LocalJournal {
  readonly name: string
  override readonly leases: Leases
  /** @hidden */
  override readonly log: JournalLog

  readonly #storage: StorageClient
  /** Whether others may write to the storage, too. */
  readonly #isShared: boolean
  #state: 'new' | 'opening' | 'open' | 'closing' | 'closed' = 'new'
  /** Why this replica stays where it is: a commit that cannot be folded, or a log that is not the one it followed. */
  #broken: CrewError | undefined
  /** Nothing is decided until its fate is known. */
  #sent: Sent | undefined
  #decidedAt: number | undefined
  /** Refused or in vain, as far as is known. */
  #confirming: readonly Decided[] = []
  /** Commands up to this ticket were called before a read began that is folded. */
  #caughtUpTo = 0
  #reading: Promise<void> | undefined
  #nextReading: Promise<void> | undefined
  #rivalSeenAt = -Infinity
  #stopWatching: Off | undefined
  #stopPolling: Off | undefined
  /** Each ends a pause before something is tried again. */
  readonly #pauses = new Set<Off>()
  #closed: Promise<void> | undefined

  constructor(given: JournalOptions = {}) {
    const { storage = new MemoryStorage(), name = 'crew', environment, onError } = read(options, given, 'options')
    super(environment, onError)
    this.name = name
    this.#isShared = given.storage !== undefined && storage.writers === 'many'
    this.#storage = new StorageClient(storage, name, this.environment)
    this.leases = new Leases(this, !this.#isShared)
    this.add('session', this.leases)
    this.observe(this.leases)
    this.log = new JournalLog(this.#storage, this)
    this.observe(this.log)
  }

  /**
   * By the monotonic clock, when what is being decided or folded was decided; undefined for what others decided, and for
   * what was given up before it was read. @internal
   */
  get decidedAt(): number | undefined {
    return this.isDeciding ? this.environment.monotonic() : this.#decidedAt
  }

  /** Folds all there is. Rejects with `storage_unavailable`, `journal_corrupt` or `unsupported_version`; may be tried again, unless it is closed by then. */
  async open(limits: Abortable = {}): Promise<void> {
    const patience = read(readAbortable, limits, 'options')
    if (this.#state === 'open') return
    if (this.#state !== 'new') throw this.#refusal()
    this.#state = 'opening'
    try {
      await until(
        this.#storage.open().then(() => this.#catchUp()),
        patience,
        this.environment,
      )
    } catch (error) {
      this.#storage.abandon()
      const letGo = this.#storage.letGo().catch(this.onError)
      if (!this.#isIn('opening')) throw this.#refusal()
      this.#state = 'new'
      // Who waits no longer does not wait for that either.
      if (!CrewError.is(error, 'cancelled') && !CrewError.is(error, 'timed_out')) await letGo
      throw error
    }
    if (!this.#isIn('opening')) throw this.#refusal()
    this.#state = 'open'
    if (this.#isShared) {
      this.#stopWatching = this.#storage.watch(this.#look)
      this.#poll()
    }
    try {
      for (const observer of this.observers) await observer.opened?.()
    } catch (error) {
      // Who is told that it did not open has nothing to close.
      await this.close()
      throw error
    }
  }

  /** Folds all that others had committed when it was called. */
  async sync(limits: Abortable = {}): Promise<void> {
    const patience = read(readAbortable, limits, 'options')
    this.assertOpen()
    await until(this.#catchUp(), patience, this.environment)
  }

  /**
   * Gives back what the session holds and waits for what is under way, at most 10 s. What is left then rejects: with
   * `outcome_unknown` if it may have been stored, with `closed` if it was not begun.
   */
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  /** @internal */
  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Whether it is one that stands at a moment that has passed. @internal */
  get isPast(): boolean {
    return false
  }

  /** @internal */
  override assertOpen(): void {
    if (this.#state !== 'open') throw this.#refusal()
  }

  /** @internal */
  override decide<T>(decide: Decide<T>): Promise<T> {
    return this.#broken ? Promise.reject(readOnly(this.#broken)) : super.decide(decide)
  }

  /** As if the process had died: what is under way is never answered, and nothing is given back. @internal */
  crash(): void {
    this.queue = []
    this.#confirming = []
    this.#sent = undefined
    this.#end()
  }

  /** @internal */
  protected override wire(): CommitWire | undefined {
    const { maxCommitBytes } = this.#storage
    return maxCommitBytes < Infinity ? new CommitWire(maxCommitBytes) : undefined
  }

  /** Refusals and empty answers are as true as successes: they are decided again on what a read after the call brought. @internal */
  protected override async confirm(decided: readonly Decided[]): Promise<void> {
    if (!this.#isShared || decided.every(({ command }) => command.ticket <= this.#caughtUpTo))
      return super.confirm(decided)
    const asOf = this.tickets
    this.#confirming = decided
    try {
      await this.#patiently(() => this.#catchUp())
      this.#caughtUpTo = asOf
      this.#decideAgain(decided)
    } catch (error) {
      for (const { command } of decided) command.reject(error)
    } finally {
      this.#confirming = []
    }
  }

  /** Takes the steps back, and sends the commit, the same one each time, until it is known whether it is in the log. @internal */
  protected override async send(batch: Batch, commit: Commit): Promise<void> {
    this.takeBack(batch.steps)
    let tellTaken = (): void => undefined
    const isTaken = new Promise<void>((resolve) => {
      tellTaken = resolve
    })
    const sent: Sent = { ...batch, commit, tellTaken, decidedAt: this.environment.monotonic() }
    this.#sent = sent
    try {
      // A read may learn what an answer does not tell.
      await Promise.race([isTaken, this.#patiently(() => this.#append(commit))])
    } catch (error) {
      this.#giveUp(batch.decided, error)
      return
    }
    if (this.#sent === sent) {
      // A rival has the number: decide again, on what it changed, and leave room for smaller commits of others.
      this.#sent = undefined
      this.#decideAgain(batch.decided)
      this.most = Math.max(1, this.most >> 1)
    } else {
      this.most = Math.min(BATCH_EVENTS, this.most * 2)
      if (this.environment.monotonic() - this.#rivalSeenAt < RIVAL_MS) await this.#catchUp().catch(this.onError)
    }
  }

  /** Ends when the number of `commit` is taken, by itself or by a rival; rejects while that is not known. */
  async #append(commit: Commit): Promise<void> {
    const isTaken = (): boolean => (this.head?.seq ?? 0) >= commit.seq
    if (isTaken()) return
    const { appended } = await this.#storage.append(commit)
    if (isTaken()) return
    if (appended) this.#follow(commit)
    // A refusal may be of one's own commit, sent again by a client library: the log tells whose it is.
    else await this.#catchUp()
    if (!isTaken())
      throw new CrewError('storage_unavailable', `The storage refused commit ${commit.seq} though none stands there`)
  }

  /** Folds the next commit of the log, its own or a rival's; answers who waits for it. */
  #follow(commit: Commit): void {
    const sent = this.#sent
    const isOwn = sent?.commit.id === commit.id
    this.#decidedAt = isOwn ? sent.decidedAt : undefined
    try {
      this.#expect(commit)
      this.fold(
        isOwn ? sent.commit : freezeJson(commit),
        isOwn ? sent.steps : undefined,
        this.#state === 'open' || this.#state === 'closing',
      )
    } catch (error) {
      throw this.#breakOff(error)
    }
    if (isOwn) {
      this.#sent = undefined
      sent.decided.forEach(answer)
    } else this.#rivalSeenAt = this.environment.monotonic()
    if (sent && commit.seq >= sent.commit.seq) sent.tellTaken()
  }

  #expect({ seq, prev, format }: Commit): void {
    const { seq: last = 0, id: lastId = '' } = this.head ?? {}
    if (format !== FORMAT)
      throw new CrewError(
        'unsupported_version',
        `Commit ${seq} has format ${format}, this release reads ${FORMAT}; update crewlog`,
        { seq, format },
      )
    if (seq !== last + 1 || prev !== lastId)
      throw new CrewError(
        'journal_corrupt',
        `Commit ${seq} does not follow commit ${last}; restore the journal from a backup`,
        { seq },
      )
  }

  /** Folds all that was committed before the call. All who wait share one read. */
  #catchUp(): Promise<void> {
    // A read under way may have begun too early for this caller.
    return (this.#nextReading ??= this.#readAfter(this.#reading))
  }

  async #readAfter(earlier: Promise<void> | undefined): Promise<void> {
    await earlier?.catch(() => undefined)
    this.#reading = this.#nextReading
    this.#nextReading = undefined
    try {
      if (this.#broken) throw this.#broken
      if (this.#isIn('closed')) throw this.#refusal()
      for await (const commits of this.#storage.readAfter(() => this.head)) {
        // An append may have folded some of them meanwhile.
        for (const commit of commits) if (commit.seq > (this.head?.seq ?? 0)) this.#follow(commit)
      }
    } catch (error) {
      if (this.#isIn('closed')) throw this.#refusal()
      throw CrewError.is(error, 'storage_unavailable') ? error : this.#breakOff(error)
    }
  }

  #breakOff(error: unknown): CrewError {
    return (this.#broken ??= CrewError.is(error)
      ? error
      : new CrewError('journal_corrupt', 'A commit cannot be folded', {}, error))
  }

  #decideAgain(decided: readonly Decided[]): void {
    // A journal that has closed meanwhile decides nothing any more.
    if (this.#isIn('closed')) for (const { command } of decided) command.reject(this.#refusal())
    else this.queue.unshift(...decided.map(({ command }) => command))
  }

  #giveUp(decided: readonly Decided[], error: unknown): void {
    const isFateKnown = CrewError.is(error, 'limit_exceeded')
    this.#sent = undefined
    for (const { command, hasChanged } of decided)
      command.reject(hasChanged && !isFateKnown ? unknownOutcome(error) : error)
    if (!isFateKnown) this.#refuseAll(error)
  }

  #refuseAll(error: unknown): void {
    for (const command of this.queue.splice(0)) command.reject(error)
  }

  /** Tries again, with growing pauses, what fails because the storage is away. */
  async #patiently(attempt: () => Promise<void>): Promise<void> {
    const start = this.environment.monotonic()
    for (let tries = 0; ; tries++) {
      try {
        await attempt()
        return
      } catch (error) {
        const isOver = this.environment.monotonic() - start >= PATIENCE_MS || this.#isIn('closed')
        if (isOver || !CrewError.is(error, 'storage_unavailable')) throw error
      }
      await new Promise<void>((resolve) => {
        const end = (): void => {
          off()
          this.#pauses.delete(end)
          resolve()
        }
        const pauseMs = Math.min(LONGEST_PAUSE_MS, 50 * 2 ** tries) * this.environment.random()
        const off = this.environment.setTimer(end, pauseMs)
        this.#pauses.add(end)
      })
      if (this.#isIn('closed')) throw this.#refusal()
    }
  }

  /** Looks for commits of others, in the background. */
  readonly #look = (): void => {
    if (!this.#broken) this.#catchUp().catch(this.onError)
  }

  #poll(): void {
    const again = (): void => {
      this.#look()
      this.#poll()
    }
    this.#stopPolling = this.environment.setTimer(again, POLL_MS * (0.5 + this.environment.random() / 2), true)
  }

  async #close(): Promise<void> {
    const wasOpen = this.#state === 'open'
    this.#state = 'closing'
    for (const observer of this.observers) observer.closing?.()
    if (wasOpen) await until(this.#release(), { timeoutMs: CLOSE_MS }, this.environment).catch(this.onError)
    this.#end()
    this.#storage.abandon()
    await this.#storage.letGo().catch(this.onError)
  }

  #end(): void {
    this.#state = 'closed'
    this.#stopWatching?.()
    this.#stopPolling?.()
    for (const end of this.#pauses) end()
    const error = this.#refusal()
    for (const { command } of this.#sent?.decided ?? []) command.reject(unknownOutcome(error))
    for (const { command } of this.#confirming) command.reject(error)
    this.#refuseAll(error)
    for (const observer of this.observers) observer.closed?.()
  }

  /** The last command: when it is settled, so are all before it. */
  #release(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.enqueue(
        (turn) => {
          for (const observer of this.observers) observer.giveBack?.(turn)
        },
        resolve,
        reject,
      )
    })
  }

  /** Asks anew: what TypeScript believes of `#state` does not survive an await. */
  #isIn(state: string): boolean {
    return this.#state === state
  }

  #refusal(): CrewError {
    return this.#state === 'new' || this.#state === 'opening'
      ? new CrewError('not_open', `Journal ${this.name} is not open; await open() first`)
      : new CrewError('closed', `Journal ${this.name} is closed; open a new one`)
  }
}

/** Waiting ended, but not what was waited for. */
const unknownOutcome = (cause: unknown): CrewError =>
  new CrewError(
    'outcome_unknown',
    'The commit was sent and may yet be stored; look at the state before you try again',
    {},
    cause,
  )

const readOnly = (cause: CrewError): CrewError =>
  new CrewError('read_only', `This journal can only be read: ${cause.message}`, {}, cause)
