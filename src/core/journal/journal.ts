import { type Abortable, readAbortable, until } from '../abortable.js'
import { CommitWire } from './commit-wire.js'
import { CrewSettings } from './crew-settings.js'
import { Forgettings } from './forgetting.js'
import { type Batch, BATCH_EVENTS, type Decide, type Decided } from './decision.js'
import type { Environment } from '../environment.js'
import { CrewError } from '../errors.js'
import { duration, errorListener, id, object, read } from '../input.js'
import { JournalLog } from './journal-log.js'
import type { Commit, JournalStorage } from './journal-storage.js'
import { freezeJson } from '../json.js'
import { Leases } from './leases.js'
import { answer, environmentPort } from './local-journal.js'
import { MemoryStorage } from './memory-storage.js'
import { Patience } from './patience.js'
import { readOnly, Replica } from './replica.js'
import { storagePort } from './storage-client.js'
import { upkeepFields, type UpkeepSettings } from './upkeep.js'

export interface JournalOptions extends UpkeepSettings {
  /** Where it is kept; default: memory. */
  readonly storage?: JournalStorage
  /** Tells the journals in one storage apart; default 'crew'. */
  readonly name?: string
  readonly environment?: Environment
  /** By how much the wall clocks of two processes may differ, ms; default 5 minutes. */
  readonly clockSkewMs?: number
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

const CLOSE_MS = 8000
/** How long a rival that was seen is given way to. */
const RIVAL_MS = 1000

const options = object({
  storage: storagePort,
  name: id,
  environment: environmentPort,
  clockSkewMs: duration(),
  onError: errorListener,
  ...upkeepFields,
})

/** The log of a crew in a storage that others may share, and the one way to add to it. */
export class Journal extends Replica {
  override readonly leases: Leases
  /** @hidden */
  override readonly log: JournalLog
  /** @internal */
  readonly settings: CrewSettings

  /** Whether others may write to the storage, too. */
  readonly #isShared: boolean
  /** Whether it may be opened again. */
  readonly #isKept: boolean
  /** Nothing is decided until its fate is known. */
  #sent: Sent | undefined
  #decidedAt: number | undefined
  /** Refused or in vain, as far as is known. */
  #confirming: readonly Decided[] = []
  /** Commands up to this ticket were called before a read began that is folded. */
  #caughtUpTo = 0
  #rivalSeenAt = -Infinity
  readonly #patience: Patience
  #closed: Promise<void> | undefined

  constructor(given: JournalOptions = {}) {
    const {
      storage = new MemoryStorage(),
      name = 'crew',
      environment,
      clockSkewMs = 300_000,
      onError,
      ...settings
    } = read(options, given, 'options')
    super(storage, name, environment, onError, settings)
    this.#isShared = given.storage !== undefined && storage.writers === 'many'
    this.#isKept = given.storage !== undefined
    this.#patience = new Patience(this.environment)
    this.leases = new Leases(this, !this.#isShared, clockSkewMs)
    this.add('session', this.leases)
    this.observe(this.leases)
    this.settings = this.add('crew.configured', new CrewSettings())
    this.observe(this.add('crew.pruned', new Forgettings((kind) => this.projection(kind))))
    this.log = new JournalLog(this.storage, this, () => this.catchUp())
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
    if (this.state === 'open') return
    if (this.state !== 'new') throw this.refusal()
    this.state = 'opening'
    try {
      await until(
        this.storage.open().then(() => this.begin()),
        patience,
        this.environment,
      )
    } catch (error) {
      this.storage.abandon()
      const letGo = this.storage.letGo().catch(this.onError)
      if (!this.#isIn('opening')) throw this.refusal()
      this.state = 'new'
      // Who waits no longer does not wait for that either.
      if (!CrewError.is(error, 'cancelled') && !CrewError.is(error, 'timed_out')) await letGo
      throw error
    }
    if (!this.#isIn('opening')) throw this.refusal()
    this.state = 'open'
    if (this.#isShared) this.watch()
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
    await until(this.catchUp(), patience, this.environment)
  }

  /**
   * Gives back what the session holds and waits for what is under way, at most 10 s. What is left then rejects: with
   * `outcome_unknown` if it may have been stored, with `closed` if it was not begun.
   */
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  /** @internal */
  override decide<T>(decide: Decide<T>): Promise<T> {
    return this.broken ? Promise.reject(readOnly(this.broken)) : super.decide(decide)
  }

  /** As if the process had died: what is under way is never answered, nothing is given back, and a lock holds nobody up. @internal */
  crash(): Promise<void> {
    this.queue = []
    this.#confirming = []
    this.#sent = undefined
    this.#end()
    return this.storage.letGo()
  }

  /** @internal */
  protected override wire(): CommitWire | undefined {
    const { maxCommitBytes } = this.storage
    return maxCommitBytes < Infinity ? new CommitWire(maxCommitBytes) : undefined
  }

  /** Refusals and empty answers are as true as successes: they are decided again on what a read after the call brought. @internal */
  protected override async confirm(decided: readonly Decided[]): Promise<void> {
    if (!this.#isShared || decided.every(({ command }) => command.ticket <= this.#caughtUpTo))
      return super.confirm(decided)
    const asOf = this.tickets
    this.#confirming = decided
    try {
      await this.#patience.with(() => this.catchUp())
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
    let tries = 0
    const attempt = (): Promise<void> => {
      tries++
      return this.#append(commit)
    }
    try {
      // A read may learn what an answer does not tell.
      await Promise.race([isTaken, this.#patience.with(attempt)])
    } catch (error) {
      this.#giveUp(batch.decided, error, tries > 1)
      return
    }
    if (this.#sent === sent) {
      // A rival has the number: decide again, on what it changed, and leave room for smaller commits of others.
      this.#sent = undefined
      this.#decideAgain(batch.decided)
      this.most = Math.max(1, this.most >> 1)
    } else {
      this.most = Math.min(BATCH_EVENTS, this.most * 2)
      if (this.environment.monotonic() - this.#rivalSeenAt < RIVAL_MS) await this.catchUp().catch(this.onError)
    }
  }

  /** Ends when the number of `commit` is taken, by itself or by a rival; rejects while that is not known. */
  async #append(commit: Commit): Promise<void> {
    const isTaken = (): boolean => this.#sent?.commit !== commit || (this.head?.seq ?? 0) >= commit.seq
    if (isTaken()) return
    const answered = await this.storage.append(commit)
    if (isTaken()) return
    if (answered.appended) this.follow(commit)
    // A refusal may be of one's own commit, sent again by a client library: the log tells whose it is.
    else this.followMissed(answered.missed)
    if (!isTaken()) await this.catchUp()
    if (!isTaken())
      throw new CrewError('storage_unavailable', `The storage refused commit ${commit.seq} though none stands there`)
  }

  /** Folds the next commit of the log, its own or a rival's; answers who waits for it. @internal */
  protected override follow(commit: Commit): void {
    const sent = this.#sent
    const isOwn = sent?.commit.id === commit.id
    this.#decidedAt = isOwn ? sent.decidedAt : undefined
    super.follow(isOwn ? sent.commit : freezeJson(commit), isOwn ? sent.steps : undefined)
    this.#decidedAt = undefined
    if (isOwn) {
      this.#sent = undefined
      sent.decided.forEach(answer)
      if (this.#isKept) this.keepUp(commit.seq)
    } else {
      this.#rivalSeenAt = this.environment.monotonic()
      this.upkeep.heardOf(commit.seq)
    }
    if (sent && commit.seq >= sent.commit.seq) sent.tellTaken()
  }

  /** What was refused with it is decided again: that was not sent. @internal */
  protected override loseSight(): void {
    const sent = this.#sent
    if (!sent) return
    this.#sent = undefined
    const lost = new CrewError('storage_unavailable', 'The log that it was sent to is gone')
    this.#decideAgain(sent.decided.filter(({ hasChanged }) => !hasChanged))
    for (const { command, hasChanged } of sent.decided) if (hasChanged) command.reject(unknownOutcome(lost))
    sent.tellTaken()
  }

  #decideAgain(decided: readonly Decided[]): void {
    // A journal that has closed meanwhile decides nothing any more.
    if (this.#isIn('closed')) for (const { command } of decided) command.reject(this.refusal())
    else this.queue.unshift(...decided.map(({ command }) => command))
  }

  #giveUp(decided: readonly Decided[], error: unknown, wasSentBefore: boolean): void {
    // A storage that is closed took nothing, this time.
    const isFateKnown = CrewError.is(error, 'limit_exceeded') || (!wasSentBefore && CrewError.is(error, 'closed'))
    this.#sent = undefined
    for (const { command, hasChanged } of decided)
      command.reject(hasChanged && !isFateKnown ? unknownOutcome(error) : error)
    if (!isFateKnown) this.#refuseAll(error)
  }

  #refuseAll(error: unknown): void {
    for (const command of this.queue.splice(0)) command.reject(error)
  }

  async #close(): Promise<void> {
    const wasOpen = this.state === 'open'
    this.state = 'closing'
    for (const observer of this.observers) observer.closing?.()
    if (wasOpen) await until(this.#release(), { timeoutMs: CLOSE_MS }, this.environment).catch(this.onError)
    this.#end()
    this.storage.abandon()
    await this.storage.letGo().catch(this.onError)
  }

  #end(): void {
    this.state = 'closed'
    this.stopFollowing()
    this.#patience.end()
    const error = this.refusal()
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

  /** Asks anew: what TypeScript believes of `state` does not survive an await. */
  #isIn(state: string): boolean {
    return this.state === state
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
