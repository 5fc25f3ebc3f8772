import type { Check } from '../../core/abortable.js'
import { systemEnvironment } from '../../core/environment.js'
import { CrewError } from '../../core/errors.js'
import type { Checkpoint } from '../../core/journal/journal-storage.js'
import type { JournalNames } from './names.js'
import type { NatsStreams } from './streams.js'

/** After which parts that no checkpoint has are let go: whoever sent them has died, or cannot tell what became of it. */
const ABANDONED_MS = 60 * 60_000
/** Parts that are asked for at once. */
const WINDOW = 8

interface Kept extends Omit<Checkpoint, 'parts'> {
  readonly token: string
  readonly count: number
}

interface Index {
  /** Number of its message in the stream, 0 when there is none. */
  readonly at: number
  /** Newest first. */
  readonly kept: readonly Kept[]
}

/** The checkpoints of one journal: a message for each part, and an index that says which are whole. */
export class NatsCheckpoints {
  readonly #streams: NatsStreams
  readonly #names: JournalNames
  #isReady = false

  constructor(streams: NatsStreams, names: JournalNames) {
    this.#streams = streams
    this.#names = names
  }

  async save({ parts, seq, id, format }: Checkpoint, check: Check): Promise<void> {
    if (!this.#isReady) await this.#streams.ensure(this.#names.checkpoints, check)
    this.#isReady = true
    if (isOld(seq, await this.#index())) return
    const token = `${systemEnvironment.now()}-${systemEnvironment.id()}`
    const count = await this.#send(token, parts, check)
    const index = await this.#publish({ seq, id, format, token, count }, check)
    // What this does not reach, the next one does.
    await this.#sweep(index).catch(() => undefined)
  }

  async load(before: number): Promise<Checkpoint | undefined> {
    const { kept } = await this.#index()
    for (const each of kept) {
      if (each.seq < before && (await this.#count(each.token)) === each.count) {
        const { seq, id, format } = each
        return { seq, id, format, parts: this.#parts(each) }
      }
    }
    return undefined
  }

  async #send(token: string, parts: AsyncIterable<string>, check: Check): Promise<number> {
    const { stream } = this.#names.checkpoints
    let count = 0
    try {
      for await (const part of parts) {
        check()
        await this.#streams.publish(stream, this.#names.part(token, count++), part, {})
      }
    } catch (error) {
      await this.#drop(token).catch(() => undefined)
      throw error
    }
    return count
  }

  /** The index with it, unless there is a newer one by now. */
  async #publish(next: Kept, check: Check): Promise<Index> {
    const { stream, index: subject } = this.#names.checkpoints
    for (;;) {
      check()
      const index = await this.#index()
      if (isOld(next.seq, index)) {
        await this.#drop(next.token)
        return index
      }
      if ((await this.#count(next.token)) !== next.count)
        throw new CrewError('storage_unavailable', 'Parts of the checkpoint are gone; try again')
      const [older, ...dropped] = index.kept
      const kept = older ? [next, older] : [next]
      const at = await this.#streams.publish(stream, subject, JSON.stringify(kept), { lastSubjectSequence: index.at })
      if (at === undefined) continue
      for (const { token } of dropped) await this.#drop(token).catch(() => undefined)
      return { at, kept }
    }
  }

  /** Lets go of what somebody left half-way. */
  async #sweep({ kept }: Index): Promise<void> {
    const info = await this.#streams.info(this.#names.checkpoints.stream, this.#names.part('*', '*'))
    const tokens = new Set(Object.keys(info?.state.subjects ?? {}).map((subject) => subject.split('.').at(-2) ?? ''))
    const now = systemEnvironment.now()
    for (const token of tokens) {
      const isKept = kept.some((each) => each.token === token)
      if (!isKept && now - parseInt(token, 10) > ABANDONED_MS) await this.#drop(token)
    }
  }

  async #drop(token: string): Promise<void> {
    await this.#streams.purge(this.#names.checkpoints.stream, { filter: this.#names.part(token, '*') })
  }

  /** How many parts there are. */
  async #count(token: string): Promise<number> {
    const info = await this.#streams.info(this.#names.checkpoints.stream, this.#names.part(token, '*'))
    return Object.keys(info?.state.subjects ?? {}).length
  }

  async #index(): Promise<Index> {
    const { stream, index: subject } = this.#names.checkpoints
    const found = await this.#streams.get(stream, { last_by_subj: subject })
    if (!found) return { at: 0, kept: [] }
    try {
      return { at: found.at, kept: JSON.parse(found.text) as readonly Kept[] }
    } catch (error) {
      const where = `Message ${found.at} of stream ${stream}`
      throw new CrewError('journal_corrupt', `${where} is no index of checkpoints; delete it`, { where }, error)
    }
  }

  async *#parts({ token, count }: Kept): AsyncGenerator<string> {
    const { stream } = this.#names.checkpoints
    for (let from = 0; from < count; from += WINDOW) {
      const numbers = Array.from({ length: Math.min(WINDOW, count - from) }, (_, index) => from + index)
      const found = await Promise.all(
        numbers.map((number) => this.#streams.get(stream, { last_by_subj: this.#names.part(token, number) })),
      )
      for (const part of found) {
        if (!part)
          throw new CrewError('storage_unavailable', 'The checkpoint was replaced while it was read; load it anew')
        yield part.text
      }
    }
  }
}

const isOld = (seq: number, { kept }: Index): boolean => seq <= (kept[0]?.seq ?? 0)
