import { type Off, systemEnvironment } from '../../core/environment.js'
import { read } from '../../core/input.js'
import type { Checkpoint, JournalStorage } from '../../core/journal/journal-storage.js'
import { storagePort } from '../../core/journal/storage-client.js'

/** For calls after one that took too long. */
const LITTLE_MS = 400

/** What did not settle. */
export class Unsettled extends Error {}

/** How long calls may take. Once one took longer, what comes after is not waited for as long: a storage that hangs mostly does so often. */
export class Patience {
  ms: number

  constructor(ms: number) {
    this.ms = ms
  }

  /** What a call answers; rejects with `Unsettled`, naming the call, when that takes too long. */
  async bound<T>(call: string, answer: Promise<T> | T): Promise<T> {
    const { ms } = this
    let off: Off = () => undefined
    const late = new Promise<never>((_, reject) => {
      off = systemEnvironment.setTimer(() => {
        this.ms = Math.min(ms, LITTLE_MS)
        reject(new Unsettled(`${call} did not settle within ${ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`}`))
      }, ms)
    })
    try {
      return await Promise.race([answer, late])
    } finally {
      off()
    }
  }
}

/** A storage whose every call settles, and answers as the port says or rejects with how it did not. */
export function patientStorage(given: JournalStorage, patience: Patience): JournalStorage {
  const storage = read(storagePort, given, 'What open() answers as storage or rival')
  const call = async <A extends readonly unknown[], T>(
    name: keyof JournalStorage,
    run: (...args: A) => Promise<T> | T,
    args: A,
    wanted: string,
    isRight: (answer: unknown) => boolean,
  ): Promise<T> => {
    const asked = `${name}(${args.flatMap(shownAs).join(', ')})`
    const answer = await patience.bound(asked, run(...args))
    if (isRight(answer)) return answer
    throw new Error(`${asked} answered ${shown(answer)}, must be ${wanted}`)
  }
  const anything = (): boolean => true
  return {
    writers: storage.writers,
    maxCommitBytes: storage.maxCommitBytes,
    append: (...args) =>
      call(
        'append',
        (...all) => storage.append(...all),
        args,
        '{ appended: true } or { appended: false }',
        (answer) => typeof fieldOf(answer, 'appended') === 'boolean',
      ),
    read: (...args) =>
      call(
        'read',
        (...all) => storage.read(...all),
        args,
        '{ commits } or { trimmedTo }',
        (answer) => Array.isArray(fieldOf(answer, 'commits')) || typeof fieldOf(answer, 'trimmedTo') === 'number',
      ),
    saveCheckpoint: (...args) => call('saveCheckpoint', (...all) => storage.saveCheckpoint(...all), args, '', anything),
    async loadCheckpoint(...args) {
      const load = async (...all: typeof args): Promise<Checkpoint | undefined> =>
        (await storage.loadCheckpoint(...all)) ?? undefined
      const kept = await call(
        'loadCheckpoint',
        load,
        args,
        '{ seq, id, format, parts }, parts as an AsyncIterable, or undefined',
        (answer) => answer === undefined || isIterable(fieldOf(answer, 'parts')),
      )
      return kept && { ...kept, parts: patientParts(kept.parts, patience) }
    },
    trim: (...args) => call('trim', (...all) => storage.trim(...all), args, '', anything),
    ...(storage.watch && { watch: (...args) => storage.watch?.(...args) ?? (() => undefined) }),
    ...(storage.open && { open: (...args) => call('open', (...all) => storage.open?.(...all), args, '', anything) }),
    ...(storage.close && {
      close: (...args) => call('close', (...all) => storage.close?.(...all), args, '', anything),
    }),
  }
}

async function* patientParts(parts: Checkpoint['parts'], patience: Patience): AsyncGenerator<string> {
  const iterator = parts[Symbol.asyncIterator]()
  for (;;) {
    const next = await patience.bound('The next part of a checkpoint', iterator.next())
    if (next.done) return
    yield next.value
  }
}

const isIterable = (value: unknown): boolean =>
  typeof (value as Partial<AsyncIterable<string>> | undefined)?.[Symbol.asyncIterator] === 'function'

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined

/** Texts as they are, all else as JSON has it. */
const shown = (value: unknown): string => {
  if (typeof value === 'string') return value
  return typeof value === 'number' || value === undefined ? String(value) : JSON.stringify(value).slice(0, 200)
}

/** An argument as who reads a failure knows it. */
function shownAs(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [shown(value)]
  const { seq, events } = value as { readonly seq?: number; readonly events?: unknown }
  return seq === undefined ? [] : [`${events ? 'commit' : 'checkpoint'} ${seq}`]
}
