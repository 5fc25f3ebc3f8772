import type { Check } from '../../core/abortable.js'
import { CrewError } from '../../core/errors.js'
import type { Checkpoint } from '../../core/journal/journal-storage.js'
import { systemEnvironment } from '../../core/environment.js'
import type { JournalKeys } from './keys.js'
import { PIECE_BYTES } from './log.js'
import { DROP, INDEX, PARTS, PUBLISH, STAGE } from './scripts.js'
import type { RedisServer } from './server.js'

/** After which what was not published is forgotten, counted from its last part. */
const STAGED_S = 3600
/** For which a checkpoint that is let go can be read to its end. */
const LET_GO_S = 300
/** How many parts go at once, at the most: a script's own calls take no more than some thousands. */
const MOST_PARTS = 1000
const LAYOUT = 1

interface Kept extends Omit<Checkpoint, 'parts'> {
  readonly token: string
  readonly count: number
}

interface Index {
  readonly text: string
  /** Newest first. */
  readonly kept: readonly Kept[]
}

/** The checkpoints of one journal: a list of parts for each, and an index that says which are whole. */
export class RedisCheckpoints {
  readonly #server: RedisServer
  readonly #keys: JournalKeys

  constructor(server: RedisServer, keys: JournalKeys) {
    this.#server = server
    this.#keys = keys
  }

  async save({ parts, seq, id, format }: Checkpoint, check: Check): Promise<void> {
    if (isOld(seq, await this.#index())) return
    const token = systemEnvironment.id()
    const count = await this.#stage(token, parts, check)
    const isKept = await this.#publish({ seq, id, format, token, count }, check)
    if (!isKept) await this.#drop(token)
  }

  async load(before: number): Promise<Checkpoint | undefined> {
    const { kept } = await this.#index()
    for (const each of kept) {
      if (each.seq < before && (await this.#isWhole(each))) {
        const { seq, id, format } = each
        return { seq, id, format, parts: this.#parts(each) }
      }
    }
    return undefined
  }

  async #stage(token: string, parts: AsyncIterable<string>, check: Check): Promise<number> {
    let count = 0
    let length = 0
    const waiting: string[] = []
    const send = async (): Promise<void> => {
      check()
      if (waiting.length > 0) await this.#server.run(STAGE, [this.#keys.parts(token)], [STAGED_S, ...waiting.splice(0)])
      length = 0
    }
    try {
      for await (const part of parts) {
        waiting.push(part)
        count++
        length += part.length
        if (length >= PIECE_BYTES || waiting.length >= MOST_PARTS) await send()
      }
      await send()
    } catch (error) {
      await this.#drop(token)
      throw error
    }
    return count
  }

  /** Whether it is newer than the newest by now. */
  async #publish(next: Kept, check: Check): Promise<boolean> {
    for (;;) {
      check()
      const index = await this.#index()
      if (isOld(next.seq, index)) return false
      const [older, ...dropped] = index.kept
      const kept = older ? [next, older] : [next]
      const answer = await this.#server.run(
        PUBLISH,
        [this.#keys.index, ...[next, ...dropped].map(({ token }) => this.#keys.parts(token))],
        [index.text, JSON.stringify({ layout: LAYOUT, kept }), next.count, LET_GO_S],
      )
      if (answer === 'kept') return true
      if (answer === 'gone')
        throw new CrewError('storage_unavailable', 'Parts of the checkpoint were evicted while it was saved; try again')
    }
  }

  async #index(): Promise<Index> {
    const { index, nothing } = this.#keys
    const text = (await this.#server.run(INDEX, [index, nothing], [])) as string
    if (text === '') return { text, kept: [] }
    const { layout, kept } = this.#parse(text)
    if (layout !== LAYOUT || !kept)
      throw new CrewError('unsupported_version', `${index} is of layout ${layout}, not ${LAYOUT}; update crewlog`, {
        where: index,
      })
    return { text, kept }
  }

  #parse(text: string): { readonly layout?: number; readonly kept?: readonly Kept[] } {
    const { index: where } = this.#keys
    try {
      return JSON.parse(text) as object
    } catch (error) {
      throw new CrewError('journal_corrupt', `${where} is no index of checkpoints; delete it`, { where }, error)
    }
  }

  /** Of one whose parts were evicted, nothing can be read: as good as none. */
  async #isWhole({ token, count }: Kept): Promise<boolean> {
    const [found] = await this.#partsFrom(token, count)
    return found === count
  }

  async *#parts({ token, count }: Kept): AsyncGenerator<string> {
    for (let at = 0; at < count;) {
      const [found, parts] = await this.#partsFrom(token, at)
      if (found !== count)
        throw new CrewError('storage_unavailable', 'The checkpoint was replaced while it was read; load it anew')
      yield* parts
      at += parts.length
    }
  }

  async #partsFrom(token: string, at: number): Promise<[count: number, parts: string[]]> {
    return (await this.#server.run(PARTS, [this.#keys.parts(token)], [at, PIECE_BYTES])) as [number, string[]]
  }

  /** If this fails, too, it is forgotten in time. */
  async #drop(token: string): Promise<void> {
    await this.#server.run(DROP, [this.#keys.parts(token)], []).catch(() => undefined)
  }
}

const isOld = (seq: number, { kept }: Index): boolean => seq <= (kept[0]?.seq ?? 0)
