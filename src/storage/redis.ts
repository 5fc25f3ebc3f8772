import { type Abortable, until, whileWanted } from '../core/abortable.js'
import { type Off, systemEnvironment } from '../core/environment.js'
import { CrewError } from '../core/errors.js'
import { aFunction, matching, object, read, withMethods } from '../core/input.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from '../core/journal/journal-storage.js'
import { warningListener, Warnings } from '../core/warnings.js'
import { RedisCheckpoints } from './redis/checkpoints.js'
import { type JournalKeys, keysOf } from './redis/keys.js'
import { MAX_BYTES, RedisLog } from './redis/log.js'
import { RedisServer, type SendRedisCommand, unreachable } from './redis/server.js'
import { type RedisSubscriber, Wakes } from './redis/wakes.js'

export type { RedisSubscriber, SendRedisCommand }

export interface RedisStorageOptions {
  /** What the names of all keys begin with: 1–64 characters of A–Z a–z 0–9 . _ : -; default `crewlog`. */
  readonly prefix?: string
  /**
   * A connection of its own, as it can do nothing else once it subscribes. Through it a process hears at once what
   * another one commits; without it journals look every few seconds.
   */
  readonly subscriber?: RedisSubscriber
  /**
   * Told when a journal is opened, each thing once, what speaks against keeping journals on this server: that it may
   * evict them, or keeps them in memory alone. Default `console.warn`.
   */
  readonly onWarning?: (warning: string) => void
}

/**
 * Keeps each journal in Redis 6.2 or later, or Valkey: a stream of commits, moved on by one script that compares with
 * the last number and id. Any number of processes write. `send` sends one command with the client that you have:
 * `(...command) => redis.call(...command)` for ioredis, `(...command) => client.sendCommand(command)` for node-redis.
 * Throws `invalid_input`.
 */
export function redisStorage(send: SendRedisCommand, options: RedisStorageOptions = {}): JournalStorage {
  return new RedisStorage(read(sender, send, 'send'), read(storageOptions, options, 'options'))
}

class RedisStorage implements JournalStorage {
  readonly writers = 'many'
  readonly maxCommitBytes: number = MAX_BYTES
  /** Only with a subscriber. */
  readonly watch?: (journal: string, wake: () => void) => Off

  readonly #server: RedisServer
  readonly #prefix: string
  readonly #warnings: Warnings

  constructor(send: SendRedisCommand, { prefix = 'crewlog', subscriber, onWarning }: RedisStorageOptions) {
    this.#server = new RedisServer(send)
    this.#prefix = prefix
    this.#warnings = new Warnings(onWarning)
    if (subscriber) {
      const wakes = Wakes.of(subscriber)
      this.watch = (journal, wake) => wakes.watch(this.#keys(journal).channel, wake)
    }
  }

  async open(journal: string, options: Abortable = {}): Promise<void> {
    this.#keys(journal)
    // Clients queue commands for a server that they cannot reach, some for ever.
    const doubts = await whileWanted(
      options,
      systemEnvironment,
      () => until(this.#server.examine(), { timeoutMs: FIRST_ANSWER_MS }, systemEnvironment),
      (error) => (CrewError.is(error, 'timed_out') ? unreachable(error.message, error) : error),
    )
    for (const doubt of doubts) this.#warnings.tell(doubt)
  }

  async append(journal: string, commit: Commit, options: Abortable = {}): Promise<Appended> {
    const log = this.#log(journal)
    return await whileWanted(options, systemEnvironment, () => log.append(commit))
  }

  async read(journal: string, after: number, limit: number, options: Abortable = {}): Promise<Run> {
    const log = this.#log(journal)
    return await whileWanted(options, systemEnvironment, (check) => log.read(after, limit, check))
  }

  async saveCheckpoint(journal: string, checkpoint: Checkpoint, options: Abortable = {}): Promise<void> {
    const checkpoints = this.#checkpoints(journal)
    await whileWanted(options, systemEnvironment, (check) => checkpoints.save(checkpoint, check))
  }

  async loadCheckpoint(journal: string, before = Infinity, options: Abortable = {}): Promise<Checkpoint | undefined> {
    const checkpoints = this.#checkpoints(journal)
    return await whileWanted(options, systemEnvironment, () => checkpoints.load(before))
  }

  async trim(journal: string, through: number, options: Abortable = {}): Promise<void> {
    const log = this.#log(journal)
    await whileWanted(options, systemEnvironment, (check) => log.trim(through, check))
  }

  #log(journal: string): RedisLog {
    return new RedisLog(this.#server, this.#keys(journal))
  }

  #checkpoints(journal: string): RedisCheckpoints {
    return new RedisCheckpoints(this.#server, this.#keys(journal))
  }

  #keys(journal: string): JournalKeys {
    return keysOf(this.#prefix, journal)
  }
}

/** Of the server, to the first question of an opening. */
const FIRST_ANSWER_MS = 10_000

const sender = aFunction<SendRedisCommand>('a function that sends a command: (...command) => redis.call(...command)')

const storageOptions = object({
  prefix: matching(/^[A-Za-z0-9._:-]{1,64}$/, '1–64 characters of A–Z a–z 0–9 . _ : -'),
  subscriber: withMethods<RedisSubscriber>('subscribe', 'unsubscribe', 'on'),
  onWarning: warningListener,
})
