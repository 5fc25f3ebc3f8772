import type { Check } from '../../core/abortable.js'
import { dirname } from 'node:path'
import { systemEnvironment } from '../../core/environment.js'
import { CrewError } from '../../core/errors.js'
import type { Checkpoint } from '../../core/journal/journal-storage.js'
import { type Disk, hasCode, removeIfThere, syncFolder, toCrewError, writeNew } from './disk.js'
import { MAX_BYTES, readLines, seal, tooLarge, unseal } from './lines.js'
import type { LogWriter } from './log.js'
import { Turns } from './turns.js'

type Head = Omit<Checkpoint, 'parts'>
type Kept = Head & { readonly slot: 1 | 2; readonly line: string }

/**
 * The checkpoints of a journal, in two files that take turns: a new one replaces the older of them. A file has a line
 * for the head, one for each part, and one that says how many parts there are.
 */
export class Checkpoints {
  readonly #path: string
  readonly #disk: Disk
  readonly #turns = new Turns()

  constructor(path: string, disk: Disk) {
    this.#path = path
    this.#disk = disk
  }

  async save(checkpoint: Checkpoint, log: LogWriter, check: Check): Promise<void> {
    check()
    const draft = `${this.#path}.${systemEnvironment.id()}.tmp`
    await writeNew(draft, lines(checkpoint, check), this.#disk)
    try {
      await this.#turns.take(() => this.#publish(draft, checkpoint.seq, log, check))
    } finally {
      await removeIfThere(draft, this.#disk)
    }
  }

  /** The newest whole one with a number below `before`, and whether any was passed over. */
  async find(
    before: number,
    check: Check,
  ): Promise<{ readonly newest: Kept | undefined; readonly isOneDamaged: boolean }> {
    const found = [await this.#inspect(1, check), await this.#inspect(2, check)]
    const whole = found.filter((kept) => typeof kept === 'object').filter(({ seq }) => seq < before)
    return { newest: whole.sort((a, b) => b.seq - a.seq)[0], isOneDamaged: found.includes('damaged') }
  }

  open(kept: Kept): Checkpoint {
    const { seq, id, format } = kept
    return { seq, id, format, parts: this.#readParts(kept) }
  }

  async #publish(draft: string, seq: number, log: LogWriter, check: Check): Promise<void> {
    const { newest } = await this.find(Infinity, check)
    if (newest && seq <= newest.seq) return
    await log.exclusively(async () => {
      check()
      await this.#disk.rename(draft, this.#pathOf(newest?.slot === 1 ? 2 : 1))
      await syncFolder(dirname(this.#path), this.#disk)
    })
  }

  /** Reads all of it: half a checkpoint is none. */
  async #inspect(slot: Kept['slot'], check: Check): Promise<Kept | 'none' | 'damaged'> {
    try {
      let line = ''
      for await (const text of readTexts(this.#pathOf(slot), this.#disk, check)) line ||= text
      return { ...(JSON.parse(line) as Head), line, slot }
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return 'none'
      if (CrewError.is(error, 'journal_corrupt')) return 'damaged'
      throw error
    }
  }

  async *#readParts({ slot, line, seq }: Kept): AsyncGenerator<string> {
    let isHead = true
    try {
      for await (const text of readTexts(this.#pathOf(slot), this.#disk, () => undefined)) {
        if (!isHead) yield text
        else if (text !== line)
          throw new CrewError('storage_unavailable', `Checkpoint ${seq} was replaced by newer ones; load one of those`)
        isHead = false
      }
    } catch (error) {
      throw toCrewError(error)
    }
  }

  #pathOf(slot: Kept['slot']): string {
    return `${this.#path}-${slot}.jsonl`
  }
}

/** The head, as JSON, and then the parts in a checkpoint's file. Rejects with `journal_corrupt` unless it is whole. */
async function* readTexts(path: string, disk: Disk, check: Check): AsyncGenerator<string> {
  const handle = await disk.open(path, 'r')
  const damaged = new CrewError('journal_corrupt', `${path} is damaged; restore it from a backup`, { file: path })
  try {
    let count = 0
    let isComplete = false
    for await (const lines of readLines(handle, 0, Infinity, check)) {
      for (const line of lines) {
        const text = unseal(line)
        if (text === undefined) throw damaged
        isComplete = text === lastLine(count - 1)
        if (!isComplete) yield count === 0 ? text : (JSON.parse(text) as string)
        count++
      }
    }
    if (!isComplete) throw damaged
  } finally {
    await handle.close()
  }
}

const lastLine = (parts: number): string => JSON.stringify({ parts })

async function* lines({ seq, id, format, parts }: Checkpoint, check: Check): AsyncGenerator<Buffer> {
  let count = 0
  yield seal(JSON.stringify({ seq, id, format }))
  for await (const part of parts) {
    check()
    if (Buffer.byteLength(part) > MAX_BYTES) throw tooLarge('A part of the checkpoint')
    // As a text inside a text, because a JSON text may have line breaks.
    yield seal(JSON.stringify(part))
    count++
  }
  yield seal(lastLine(count))
}
