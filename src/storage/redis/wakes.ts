import { type Off, systemEnvironment } from '../../core/environment.js'

/** After which a subscription that failed is tried again. */
const AGAIN_MS = 5000

/** A connection for subscriptions alone: that of ioredis and of node-redis look like this. */
export interface RedisSubscriber {
  /** ioredis calls `heard` when it is subscribed and tells messages as events, node-redis calls it for each message. */
  subscribe(channel: string, heard: () => void): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  on(event: 'message', heard: (channel: string) => void): unknown
}

interface Watcher {
  readonly wake: () => void
}

/** Who waits for messages of one subscriber, whatever number of storages uses it. */
export class Wakes {
  static readonly #all = new WeakMap<RedisSubscriber, Wakes>()

  static of(subscriber: RedisSubscriber): Wakes {
    const wakes = Wakes.#all.get(subscriber) ?? new Wakes(subscriber)
    Wakes.#all.set(subscriber, wakes)
    return wakes
  }

  readonly #subscriber: RedisSubscriber
  readonly #watchers = new Map<string, Set<Watcher>>()

  private constructor(subscriber: RedisSubscriber) {
    this.#subscriber = subscriber
    subscriber.on('message', (channel) => {
      this.#wake(channel)
    })
  }

  watch(channel: string, wake: () => void): Off {
    const watcher = { wake }
    const known = this.#watchers.get(channel)
    const watchers = known ?? new Set()
    watchers.add(watcher)
    if (!known) {
      this.#watchers.set(channel, watchers)
      this.#subscribe(channel, watchers)
    }
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0 && this.#watchers.get(channel) === watchers) this.#unsubscribe(channel)
    }
  }

  #subscribe(channel: string, watchers: Set<Watcher>): void {
    const heard = (): void => {
      this.#wake(channel)
    }
    const again = (): void => {
      if (this.#watchers.get(channel) === watchers) this.#subscribe(channel, watchers)
    }
    // Until it succeeds the journals poll.
    const failed = (): void => {
      systemEnvironment.setTimer(again, AGAIN_MS, true)
    }
    // What was told before it stood is not told again.
    call(() => this.#subscriber.subscribe(channel, heard)).then(heard, failed)
  }

  #unsubscribe(channel: string): void {
    this.#watchers.delete(channel)
    call(() => this.#subscriber.unsubscribe(channel)).catch(() => undefined)
  }

  #wake(channel: string): void {
    for (const { wake } of this.#watchers.get(channel) ?? []) wake()
  }
}

const call = async (run: () => Promise<unknown>): Promise<void> => {
  await run()
}
