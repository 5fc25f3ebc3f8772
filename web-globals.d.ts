// The globals, alike in browsers and Node, that portable code may use. It is compiled with these instead of the DOM's
// or Node's, so that a new one is a decision and not an accident. Members are added here when the code needs them.

declare class AbortSignal {
  private constructor()
  static abort(reason?: unknown): AbortSignal
  static any(signals: AbortSignal[]): AbortSignal
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean; signal?: AbortSignal }): void
  removeEventListener(type: 'abort', listener: () => void): void
}
declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}

declare class TextEncoder {
  encode(text: string): Uint8Array
}
declare class TextDecoder {
  decode(bytes: Uint8Array): string
}

// Node's types lack `onmessage`: listen, then start.
interface MessagePort {
  addEventListener(type: 'message', listener: () => void, options?: { once?: boolean }): void
  start(): void
  postMessage(value: unknown): void
  close(): void
}
declare class MessageChannel {
  readonly port1: MessagePort
  readonly port2: MessagePort
}

declare const console: { error(...data: unknown[]): void; warn(...data: unknown[]): void }
declare const performance: { now(): number }
declare function queueMicrotask(run: () => void): void
declare function structuredClone<T>(value: T): T
declare function setTimeout(run: () => void, ms: number): number | object
declare function clearTimeout(timer: number | object | undefined): void
