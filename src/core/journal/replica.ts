import { type LoadedCheckpoint, turns, writeCheckpoint } from './checkpoint.js'
import type { Environment, Off } from '../environment.js'
import { CrewError, invalid } from '../errors.js'
import { logError } from '../contained.js'
import { type Checkpoint, type Commit, expectNext, type JournalStorage } from './journal-storage.js'
import { freezeJson, NONE } from '../json.js'
import { LocalJournal } from './local-journal.js'
import { newestCheckpoint } from './newest-checkpoint.js'
import { Outages } from './outages.js'
import type { CommitInfo, Gap, Observer, Projection, Slice, Step } from './projection.js'
import { StorageClient } from './storage-client.js'
import { Upkeep, type UpkeepSettings } from './upkeep.js'

const POLL_MS = 5000
/** In one reading. A storage that answers something else each time is away. */
const MOST_REBUILDS = 3
/** What a checkpoint of a crew has at least, whoever writes it. */
const KINDS = ['message', 'task', 'statistics']

/**
 * A journal as one process follows it in a storage: opens from the newest checkpoint, folds what comes after, and takes
 * its state up anew when the log was trimmed beyond it, went back or forked.
 */
export abstract class Replica extends LocalJournal {
  readonly name: string

  /** @internal */
  protected readonly storage: StorageClient
  /** @internal */
  protected state: 'new' | 'opening' | 'open' | 'closing' | 'closed' = 'new'
  /** Why it stays where it is: a commit that cannot be folded, or a log that nobody can go on from. @internal */
  protected broken: CrewError | undefined
  /** For who uses it though it is closed. @internal */
  remedy = 'open a new one'
  /** @internal */
  protected readonly upkeep: Upkeep
  readonly #slices = new Map<string, Slice>()
  /** Something is kept that nobody here folds. */
  #isPartial = false
  #reading: Promise<void> | undefined
  #nextReading: Promise<void> | undefined
  #stopWatching: Off | undefined
  #stopPolling: Off | undefined

  constructor(
    storage: JournalStorage,
    name: string,
    environment: Environment | undefined,
    onError: ((error: unknown) => void) | undefined,
    settings: UpkeepSettings,
  ) {
    const outages = new Outages()
    super(environment, outages.filter(onError ?? logError))
    this.name = name
    this.storage = new StorageClient(storage, name, this.environment, outages)
    this.upkeep = new Upkeep(this.storage, this.environment, settings)
  }

  /** @internal */
  get isClosed(): boolean {
    return this.state === 'closed'
  }

  /** @internal */
  override assertOpen(): void {
    if (this.state !== 'open') throw this.refusal()
  }

  /** @internal */
  override add<P extends Projection>(kind: string, projection: P): P {
    this.#slices.set(kind, projection)
    return super.add(kind, projection)
  }

  /** @internal */
  override keep<S extends Slice>(kind: string, make: () => S): S {
    const known = this.#slices.get(kind) as S | undefined
    if (known) return known
    const slice = make()
    this.#slices.set(kind, slice)
    // Made so late, it knows only what others remember.
    if (this.head) this.#isPartial = true
    return slice
  }

  /** Whether this replica folds all that a checkpoint has. */
  get #isWhole(): boolean {
    return !this.#isPartial && !this.hasStrange && KINDS.every((kind) => this.#slices.has(kind))
  }

  /**
   * Saves the state as it is now, so that opening reads only what comes after, and trims as `keepHistory` says. Rejects
   * with `invalid_input` where not all of the crew is folded, `storage_unavailable`, `read_only`, or `closed`.
   */
  async checkpoint(): Promise<void> {
    this.assertOpen()
    if (this.broken) throw readOnly(this.broken)
    if (!this.#isWhole)
      throw invalid(
        'Only who folds all of a crew saves checkpoints: open it by openCrew, or make a TaskTracker, Communications and a ReportGenerator on this journal before you open it',
      )
    // A log that went back has no use for the state of what it lost.
    await this.catchUp()
    await this.upkeep.save(() => this.head, this.#write)
  }

  /** A commit of this process stands: saves a checkpoint when it is time for one. @internal */
  protected keepUp(seq: number): void {
    if (!this.upkeep.isDue(seq) || !this.#isWhole) return
    this.catchUp()
      .then(() => this.upkeep.saveInTime(() => this.head, this.#write))
      .catch(this.onError)
  }

  /** Takes up the newest checkpoint, and folds all there is. @internal */
  protected async begin(): Promise<void> {
    if (!this.head) {
      const loaded = await this.#findCheckpoint()
      if (loaded) {
        for (const slice of this.#slices.values()) slice.clear()
        const turn = turns(this.environment)
        for (const loading = loaded.into(this.#slices); loading.next().done !== true;) await turn()
        this.#standAt(loaded)
      }
    }
    await this.catchUp()
  }

  /** Folds all that was committed before the call. All who wait share one read. @internal */
  protected catchUp(): Promise<void> {
    // A read under way may have begun too early for this caller.
    return (this.#nextReading ??= this.#readAfter(this.#reading))
  }

  /** Folds the next commit of the log, which may be known already, and tells of it once the journal is open. @internal */
  protected follow(commit: Commit, steps?: readonly Step[]): void {
    try {
      expectNext(commit, this.head)
      this.fold(commit, steps, this.#isTelling)
    } catch (error) {
      throw this.#breakOff(error)
    }
  }

  /** Folds what a storage handed over, if that goes on from here. @internal */
  protected followMissed(missed: readonly Commit[] = NONE): void {
    const { seq: last = 0, id = '' } = this.head ?? {}
    const news = missed.filter(({ seq }) => seq > last)
    if (news[0]?.seq === last + 1 && news[0].prev === id) this.#followAll(news)
  }

  /** The log is not what a commit was sent to: its fate stays open. @internal */
  protected abstract loseSight(): void

  /** @internal */
  protected watch(): void {
    this.#stopWatching = this.storage.watch(this.#look)
    this.#poll()
  }

  /** @internal */
  protected stopFollowing(): void {
    this.#stopWatching?.()
    this.#stopPolling?.()
    this.upkeep.end(this.refusal())
  }

  /** @internal */
  protected refusal(): CrewError {
    return this.state === 'new' || this.state === 'opening'
      ? new CrewError('not_open', `Journal ${this.name} is not open; await open() first`)
      : new CrewError('closed', `Journal ${this.name} is closed; ${this.remedy}`)
  }

  readonly #write = (head: CommitInfo, turn: () => Promise<void>): Checkpoint =>
    writeCheckpoint(head, this.#slices, this.storage.maxCommitBytes, turn)

  get #isTelling(): boolean {
    return this.state === 'open' || this.state === 'closing'
  }

  async #readAfter(earlier: Promise<void> | undefined): Promise<void> {
    await earlier?.catch(() => undefined)
    this.#reading = this.#nextReading
    this.#nextReading = undefined
    try {
      if (this.broken) throw this.broken
      this.#refuseIfClosed()
      await this.#readOn()
    } catch (error) {
      this.#refuseIfClosed()
      throw CrewError.is(error, 'storage_unavailable') ? error : this.#breakOff(error)
    }
  }

  async #readOn(): Promise<void> {
    for (let rebuilds = 0; ;) {
      const page = await this.storage.readAfter(this.head)
      const lost = 'lost' in page ? page.lost : this.#followAll(page.commits)
      if (lost) {
        if (++rebuilds > MOST_REBUILDS) throw changing(this.name)
        await this.#rebuild(lost === 'diverged')
      } else if ('commits' in page && !page.hasMore) return
    }
  }

  #followAll(commits: readonly Commit[]): 'diverged' | undefined {
    for (const commit of commits) {
      const { seq = 0, id = '' } = this.head ?? {}
      // An append may have folded some of them meanwhile.
      if (commit.seq <= seq) continue
      if (this.#isTelling && commit.seq === seq + 1 && commit.prev !== id) return 'diverged'
      this.follow(commit)
    }
    return undefined
  }

  /** Takes the state up anew from the storage: at once, or not at all. */
  async #rebuild(hasDiverged: boolean): Promise<void> {
    const loaded = await this.#findCheckpoint()
    const commits: Commit[] = []
    let strange: CrewError | undefined
    // What comes after is no news where the log is another: some of it was told before it went back.
    for (let head: CommitInfo | undefined = loaded?.head; hasDiverged;) {
      const page = await this.storage.readAfter(head)
      if ('lost' in page) throw changing(this.name)
      try {
        for (const commit of page.commits) {
          expectNext(commit, head)
          commits.push((head = freezeJson(commit)))
        }
      } catch (error) {
        strange = error as CrewError
      }
      if (strange || !page.hasMore) break
    }
    this.#refuseIfClosed()
    this.#replace(loaded, commits, hasDiverged)
    if (strange) throw strange
  }

  #replace(loaded: LoadedCheckpoint | undefined, commits: readonly Commit[], hasDiverged: boolean): void {
    const { seq: last = 0 } = this.head ?? {}
    const before = Array.from(this.#slices.values(), (slice) => [slice, slice.save()] as const)
    this.loseSight()
    this.#tell((observer) => observer.rebuilding?.())
    let gap: Gap | undefined
    try {
      for (const [slice] of before) slice.clear()
      for (const loading = loaded?.into(this.#slices); loading?.next().done === false;);
      this.#standAt(loaded)
      gap = { from: last + 1, to: last, hasDiverged }
      for (const commit of commits) this.fold(commit, undefined, false)
    } catch (error) {
      if (!gap) {
        for (const [slice] of before) slice.clear()
        for (const [slice, pieces] of before)
          for (const piece of pieces) slice.load(freezeJson(piece as object) as never)
      }
      throw error
    } finally {
      const to = this.head?.seq ?? 0
      this.#tell((observer) => observer.rebuilt?.(gap && { ...gap, to }))
      this.#tell((observer) => observer.settled?.())
    }
  }

  #standAt(loaded: LoadedCheckpoint | undefined): void {
    this.newest = loaded?.head
    this.upkeep.found(loaded?.head.seq ?? 0)
    this.#isPartial = loaded?.kinds.some((kind) => !this.#slices.has(kind)) ?? false
  }

  #findCheckpoint(): Promise<LoadedCheckpoint | undefined> {
    return newestCheckpoint(this.storage, {
      isFirst: this.state === 'opening',
      turn: turns(this.environment),
      nothingAfter: (trimmedTo) =>
        new CrewError(
          this.isPast ? 'cursor_expired' : 'journal_corrupt',
          `Journal ${this.name} is trimmed up to commit ${trimmedTo}, and no checkpoint leads on from there${this.isPast ? '' : '; restore it from a backup'}`,
          { trimmedTo },
        ),
    })
  }

  #breakOff(error: unknown): CrewError {
    if (this.broken) return this.broken
    const broken = CrewError.is(error)
      ? error
      : new CrewError('journal_corrupt', 'A commit cannot be folded', {}, error)
    this.broken = broken
    this.#tell((observer) => observer.broke?.(readOnly(broken)))
    if (this.#isTelling) this.onError(broken)
    return broken
  }

  #tell(tell: (observer: Observer) => void): void {
    if (!this.#isTelling) return
    for (const observer of this.observers) {
      try {
        tell(observer)
      } catch (error) {
        this.onError(error)
      }
    }
  }

  #refuseIfClosed(): void {
    if (this.isClosed) throw this.refusal()
  }

  /** Looks for commits of others, in the background. */
  readonly #look = (): void => {
    if (!this.broken)
      this.catchUp().catch((error: unknown) => {
        if (error !== this.broken) this.onError(error)
      })
  }

  #poll(): void {
    const again = (): void => {
      this.#look()
      this.#poll()
    }
    this.#stopPolling = this.environment.setTimer(again, POLL_MS * (0.5 + this.environment.random() / 2), true)
  }
}

const changing = (name: string): CrewError =>
  new CrewError('storage_unavailable', `Journal ${name} is another one at every look; it is read again soon`)

/** What a replica answers to commands that can only be read. */
export const readOnly = (cause: CrewError): CrewError =>
  new CrewError('read_only', `This journal can only be read: ${cause.message}`, {}, cause)
