import type { Off } from '../../core/environment.js'

/** What is used of a BroadcastChannel. */
interface Channel {
  postMessage(message: unknown): void
  close(): void
  onmessage: ((event: { readonly data: unknown }) => void) | null
  /** Only Node's keeps a process alive. */
  unref?(): void
}

/** Tells of commits, in this tab at once, and to the other tabs by a BroadcastChannel where there are such. */
export class Wakes {
  readonly #name: string
  readonly #watchers = new Map<string, Set<{ readonly wake: () => void }>>()
  #channel: Channel | undefined

  constructor(name: string) {
    this.#name = name
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0
  }

  watch(journal: string, wake: () => void): Off {
    this.#open()
    const watchers = this.#watchers.get(journal) ?? new Set()
    this.#watchers.set(journal, watchers)
    const watcher = { wake }
    watchers.add(watcher)
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0 && this.#watchers.get(journal) === watchers) this.#watchers.delete(journal)
    }
  }

  /** Wakes who watches `journal`, here and elsewhere. */
  tell(journal: string): void {
    this.#wake(journal)
    this.#open()?.postMessage(journal)
  }

  /** Wakes all who watch here. */
  tellAll(): void {
    for (const journal of [...this.#watchers.keys()]) this.#wake(journal)
  }

  close(): void {
    this.#channel?.close()
    this.#channel = undefined
  }

  #wake(journal: string): void {
    for (const { wake } of [...(this.#watchers.get(journal) ?? [])]) wake()
  }

  #open(): Channel | undefined {
    if (this.#channel) return this.#channel
    const { BroadcastChannel } = globalThis as unknown as { readonly BroadcastChannel?: new (name: string) => Channel }
    if (!BroadcastChannel) return undefined
    const channel = new BroadcastChannel(this.#name)
    channel.unref?.()
    channel.onmessage = ({ data }) => {
      if (typeof data === 'string') this.#wake(data)
    }
    return (this.#channel = channel)
  }
}
