import { CrewError, invalid, wordsOf } from '../../core/errors.js'
import type { Script } from './scripts.js'

/** Sends one command and answers its reply; rejects with the server's error, or when there is no connection. */
export type SendRedisCommand = (command: string, ...args: string[]) => Promise<unknown>

/** The server as far as scripts go; what it refuses is a `CrewError`. */
export class RedisServer {
  readonly #send: SendRedisCommand

  constructor(send: SendRedisCommand) {
    this.#send = send
  }

  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args.map(String)]
    try {
      return await this.#send('EVALSHA', script.hash, ...rest)
    } catch (error) {
      if (!isAbout(error, 'NOSCRIPT')) throw refusal(error)
    }
    try {
      return await this.#send('EVAL', script.text, ...rest)
    } catch (error) {
      throw refusal(error)
    }
  }

  /** What speaks against keeping journals here, as far as the server tells. Rejects when it is too old. */
  async examine(): Promise<readonly string[]> {
    const info = fieldsOf(await this.#tell('INFO'))
    const version = info.get('redis_version')
    if (version !== undefined && isTooOld(version))
      throw invalid(`redisStorage needs Redis 6.2 or later, or Valkey; the server is ${version}`)
    const doubts: string[] = []
    const policy = info.get('maxmemory_policy')
    if (policy?.startsWith('allkeys'))
      doubts.push(`Redis may evict journals: its maxmemory-policy is ${policy}; set it to noeviction`)
    if (info.get('aof_enabled') === '0' && (await this.#setting('save')) === '')
      doubts.push('Redis keeps journals in memory alone: a restart loses them; set appendonly to yes')
    return doubts
  }

  /** Undefined when the server does not tell, as managed ones do. */
  async #setting(name: string): Promise<string | undefined> {
    const reply: unknown = await this.#tell('CONFIG', 'GET', name)
    // A list, or with the newer protocol a map.
    const value: unknown = Array.isArray(reply) ? reply[1] : (reply as Record<string, unknown> | undefined)?.[name]
    return typeof value === 'string' ? value : undefined
  }

  async #tell(command: string, ...args: string[]): Promise<unknown> {
    try {
      return await this.#send(command, ...args)
    } catch (error) {
      // Whoever may not ask gets no answer; but without a server there is nothing to open.
      if (isAbout(error, 'NOPERM') || isAbout(error, 'unknown command') || isAbout(error, 'unknown subcommand'))
        return undefined
      throw refusal(error)
    }
  }
}

function fieldsOf(info: unknown): ReadonlyMap<string, string> {
  const lines = typeof info === 'string' ? info.split('\r\n') : []
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < 6 || (major === 6 && minor < 2)
}

// Also within a script's error, where older servers put what the server said.
const isAbout = (error: unknown, word: string): boolean => wordsOf(error)?.includes(word) ?? false

export const unreachable = (words: string, cause?: unknown): CrewError =>
  new CrewError(
    'storage_unavailable',
    `Redis cannot be reached; check that it runs, its address, and that the client does not queue commands for ever, as ioredis does with maxRetriesPerRequest (${words})`,
    {},
    cause,
  )

/** What is not in this list says so in its own words. */
const REMEDIES = {
  READONLY: 'the server is a read-only replica; connect to the primary',
  LOADING: 'the server is still loading its data; try later',
  MASTERDOWN: 'the server is a replica without its primary; connect to the primary',
  MISCONF: 'the server cannot write its snapshot, and takes nothing until it can; make room on its disk',
  NOREPLICAS: 'too few replicas are connected (min-replicas-to-write); bring them back',
  MOVED: 'the server is a node of a cluster; pass a client that knows clusters',
  CROSSSLOT: 'the keys of one crew are not in one slot; leave braces out of the prefix of the client',
  CLUSTERDOWN: 'the cluster is down; try later',
  NOAUTH: 'the server wants a password; give it to the client',
  WRONGPASS: 'the server does not take the password; correct it',
  NOPERM: 'the user of the client may not do this; see what docs/storage-redis.md asks for',
  BUSY: 'another script keeps the server busy; try later',
} as const

function refusal(error: unknown): CrewError {
  if (CrewError.is(error)) return error
  const words = wordsOf(error) ?? typeof error
  if (words.includes('OOM command not allowed'))
    return new CrewError('limit_exceeded', 'Redis has no room: raise its maxmemory, or free some', {}, error)
  if (words.includes('WRONGTYPE'))
    return new CrewError(
      'journal_corrupt',
      'Redis keeps something else under these keys; choose another prefix',
      {},
      error,
    )
  const [, remedy] = Object.entries(REMEDIES).find(([word]) => new RegExp(`\\b${word}\\b`).test(words)) ?? []
  if (remedy !== undefined) return new CrewError('storage_unavailable', `Redis refused: ${remedy}`, {}, error)
  const { name } = (error ?? {}) as { readonly name?: unknown }
  if (name === 'MaxRetriesPerRequestError') return unreachable(words, error)
  // No server says such a thing.
  if (error instanceof TypeError)
    return new CrewError(
      'storage_unavailable',
      `send failed: ${words}; pass a function: (...command) => redis.call(...command)`,
      {},
      error,
    )
  return new CrewError('storage_unavailable', `Redis refused: ${words}`, {}, error)
}
