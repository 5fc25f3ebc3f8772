import { EventEmitter } from 'eventemitter3'
import type { Environment, Off } from './environment.js'
import { invalid } from './errors.js'

/** Events by name, each with the arguments that its listeners get. */
type EventMap<E> = { readonly [K in keyof E]: readonly unknown[] }
type Arguments<E, K extends keyof E> = E[K] extends readonly unknown[] ? E[K] : never

export type On<E> = <K extends keyof E & string>(event: K, listener: (...args: Arguments<E, K>) => unknown) => Off
export type OffEvent<E> = <K extends keyof E & string>(event: K, listener: (...args: never[]) => unknown) => void

/** What tells of its changes. */
export interface Observable<E> {
  /** Calls `listener` at each `event`; what it answers ends that. */
  readonly on: On<E>
  readonly once: On<E>
  readonly off: OffEvent<E>
  /** Calls `listener` after changes, at most once a turn of the event loop. */
  subscribe(listener: () => void): Off
  /** The same object until something changes. */
  getSnapshot(): object
}

interface Entry {
  (...args: unknown[]): void
  readonly listener: unknown
}

const CHANGED = Symbol('changed')

/**
 * Typed events over eventemitter3, which would let a throwing listener reach the emitter and silence the later ones:
 * here what a listener throws or rejects goes to `onError`, and hurts nobody else.
 */
export class Events<E extends EventMap<E>> implements Observable<E> {
  readonly #emitter = new EventEmitter()
  readonly #environment: Environment
  readonly #onError: (error: unknown) => void
  /** A table that has every event: who listens for another would wait in vain. */
  readonly #known: Readonly<Record<keyof E & string, unknown>>
  #snapshot: object = {}
  #cancelNotice: Off | undefined

  constructor(
    environment: Environment,
    onError: (error: unknown) => void,
    known: Readonly<Record<keyof E & string, unknown>>,
  ) {
    this.#environment = environment
    this.#onError = onError
    this.#known = known
  }

  readonly on: On<E> = (event, listener) => this.#add(event, listener, false)

  readonly once: On<E> = (event, listener) => this.#add(event, listener, true)

  readonly off: OffEvent<E> = (event, listener) => {
    expectName(event, this.#known)
    for (const entry of this.#emitter.listeners(event) as Entry[]) {
      if (entry.listener === listener) this.#emitter.off(event, entry)
    }
  }

  /** Whether anybody would hear: spares the making of payloads. */
  hears(event: keyof E & string): boolean {
    return this.#emitter.listenerCount(event) > 0
  }

  emit<K extends keyof E & string>(event: K, ...args: Arguments<E, K>): void {
    this.#emitter.emit(event, ...args)
  }

  subscribe(listener: () => void): Off {
    return this.#add(CHANGED, listener, false)
  }

  getSnapshot(): object {
    return this.#snapshot
  }

  /** Something changed: `subscribe` listeners run soon. */
  changed(): void {
    this.#snapshot = {}
    if (this.#cancelNotice || this.#emitter.listenerCount(CHANGED) === 0) return
    this.#cancelNotice = this.#environment.setTimer(() => {
      this.#cancelNotice = undefined
      this.#emitter.emit(CHANGED)
    }, 0)
  }

  /** Forgets all listeners. */
  close(): void {
    this.#cancelNotice?.()
    this.#emitter.removeAllListeners()
  }

  /** Each call makes an entry of its own, so that a function that listens twice is ended once at a time. */
  #add(event: string | symbol, listener: (...args: never[]) => unknown, once: boolean): Off {
    if (event !== CHANGED) expectName(event, this.#known)
    if (typeof listener !== 'function') throw invalid('A listener must be a function')
    const call = (...args: unknown[]): void => {
      if (once) off()
      try {
        const answer = (listener as (...args: unknown[]) => unknown)(...args)
        if (answer instanceof Promise) answer.catch(this.#onError)
      } catch (error) {
        this.#onError(error)
      }
    }
    const entry: Entry = Object.assign(call, { listener })
    const off = (): void => {
      this.#emitter.off(event, entry)
    }
    this.#emitter.on(event, entry)
    return off
  }
}

/** Throws for what is not the name of an event. */
export function expectName(event: unknown, known: object): asserts event is string {
  if (typeof event !== 'string') throw invalid(`An event is named by a text, not by a ${typeof event}`)
  if (Object.hasOwn(known, event)) return
  // What cannot be a name is not repeated: it may be anything.
  const name = /^[\w.*]{1,40}$/.test(event) ? `"${event}"` : 'of that name'
  throw invalid(`There is no event ${name}; there are ${Object.keys(known).join(', ')}`)
}
