import { type Abortable, whileWanted } from '../core/abortable.js'
import { type Off, systemEnvironment } from '../core/environment.js'
import { invalid } from '../core/errors.js'
import { matching, object, read, type Reader, whole } from '../core/input.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from '../core/journal/journal-storage.js'
import { warningListener, Warnings } from '../core/warnings.js'
import { NatsCheckpoints } from './nats/checkpoints.js'
import { NatsLog } from './nats/log.js'
import { type JournalNames, namesOf } from './nats/names.js'
import { type NatsConnection, NatsStreams } from './nats/streams.js'

export type { NatsConnection }

export interface NatsStorageOptions {
  /** What the names of all streams and subjects begin with: 1–32 characters of A–Z a–z 0–9 _; default `crewlog`. */
  readonly prefix?: string
  /** On how many servers a stream is kept that this makes: 1–5; default 1. */
  readonly replicas?: number
  /** The JetStream domain, where there are several. */
  readonly domain?: string
  /**
   * Told when a journal is opened, each thing once, what speaks against keeping it in its stream: that it is in memory
   * alone. Default `console.warn`.
   */
  readonly onWarning?: (warning: string) => void
}

interface Journal {
  /** How often it was opened, and not yet closed. */
  opened: number
  readonly names: JournalNames
  readonly log: NatsLog
  readonly checkpoints: NatsCheckpoints
}

/**
 * Keeps each journal in a JetStream stream of its own, and its checkpoints in a second one; makes them if they are
 * missing. Any number of processes write. `connection` is what `connect` of `@nats-io/transport-node` answers. Throws
 * `invalid_input`.
 */
export function natsStorage(connection: NatsConnection, options: NatsStorageOptions = {}): JournalStorage {
  return new NatsStorage(read(anyConnection, connection, 'connection'), read(storageOptions, options, 'options'))
}

class NatsStorage implements JournalStorage {
  readonly writers = 'many'
  readonly maxCommitBytes: number

  readonly #streams: NatsStreams
  readonly #prefix: string
  readonly #warnings: Warnings
  readonly #journals = new Map<string, Journal>()

  constructor(connection: NatsConnection, { prefix = 'crewlog', onWarning, replicas, domain }: NatsStorageOptions) {
    this.#streams = new NatsStreams(connection, {
      ...(replicas !== undefined && { replicas }),
      ...(domain !== undefined && { domain }),
    })
    this.maxCommitBytes = this.#streams.maxBytes
    this.#prefix = prefix
    this.#warnings = new Warnings(onWarning)
  }

  async open(journal: string, options: Abortable = {}): Promise<void> {
    const mine = this.#journal(journal)
    const { log, names } = mine
    const { storage } = await whileWanted(options, systemEnvironment, (check) =>
      this.#streams.ensure(names.commits, check),
    )
    log.isOpen = true
    mine.opened++
    if (storage === 'memory')
      this.#warnings.tell(
        `Stream ${names.commits.stream} is in memory alone, and gone with its servers; keep it in files`,
      )
  }

  async append(journal: string, commit: Commit, options: Abortable = {}): Promise<Appended> {
    const { log, names } = this.#journal(journal)
    const answer = await whileWanted(options, systemEnvironment, (check) => log.append(commit, check))
    if (answer.appended) this.#tell(names.news)
    return answer
  }

  async read(journal: string, after: number, limit: number, options: Abortable = {}): Promise<Run> {
    const { log } = this.#journal(journal)
    return await whileWanted(options, systemEnvironment, (check) => log.read(after, limit, check))
  }

  async saveCheckpoint(journal: string, checkpoint: Checkpoint, options: Abortable = {}): Promise<void> {
    const { checkpoints } = this.#journal(journal)
    await whileWanted(options, systemEnvironment, (check) => checkpoints.save(checkpoint, check))
  }

  async loadCheckpoint(journal: string, before = Infinity, options: Abortable = {}): Promise<Checkpoint | undefined> {
    const { checkpoints } = this.#journal(journal)
    return await whileWanted(options, systemEnvironment, () => checkpoints.load(before))
  }

  async trim(journal: string, through: number, options: Abortable = {}): Promise<void> {
    const { log } = this.#journal(journal)
    await whileWanted(options, systemEnvironment, () => log.trim(through))
  }

  watch(journal: string, wake: () => void): Off {
    const { news } = this.#journal(journal).names
    const callback = (error: Error | null): void => {
      if (!error) wake()
    }
    try {
      const subscription = this.#streams.connection.subscribe(news, { callback })
      return () => subscription.unsubscribe()
    } catch {
      // The connection is closed: journals say so themselves.
      return () => undefined
    }
  }

  async close(journal: string): Promise<void> {
    const mine = this.#journals.get(journal)
    if (mine && --mine.opened <= 0) this.#journals.delete(journal)
  }

  #journal(name: string): Journal {
    let journal = this.#journals.get(name)
    if (!journal) {
      const names = namesOf(this.#prefix, name)
      const log = new NatsLog(this.#streams, names)
      journal = { opened: 0, names, log, checkpoints: new NatsCheckpoints(this.#streams, names) }
      this.#journals.set(name, journal)
    }
    return journal
  }

  /** Once it is stored: who heard before would look too early. */
  #tell(news: string): void {
    try {
      this.#streams.connection.publish(news)
    } catch {
      // A hint: without it the others look themselves.
    }
  }
}

const anyConnection: Reader<NatsConnection> = (value, name) => {
  const { request, publish, subscribe } = (value ?? {}) as Partial<Record<string, unknown>>
  if ([request, publish, subscribe].some((method) => typeof method !== 'function'))
    throw invalid(`${name} must be a connection to NATS: await connect({ servers }) of @nats-io/transport-node`)
  return value as NatsConnection
}

const storageOptions = object({
  prefix: matching(/^[A-Za-z0-9_]{1,32}$/, '1–32 characters of A–Z a–z 0–9 _'),
  replicas: whole(1, 5),
  domain: matching(/^[^\s.*>]+$/, 'the name of a domain, without spaces, dots, * and >'),
  onWarning: warningListener,
})
