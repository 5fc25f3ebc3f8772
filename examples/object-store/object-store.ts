import { CrewError } from 'crewlog'

/** What sends a request: `fetch`, or one that signs what it sends. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>
export interface Found {
  readonly text: string
  readonly etag: string
}

/** Objects under keys, over HTTP, as far as a storage of journals needs them. */
export class ObjectStore {
  readonly #url: string
  readonly #fetch: Fetch

  constructor(url: string, fetch: Fetch) {
    this.#url = url
    this.#fetch = fetch
  }

  async get(key: string, signal?: AbortSignal): Promise<Found | undefined> {
    const response = await this.#send('GET', key, {}, undefined, signal)
    const text = await response.text()
    return response.ok ? { text, etag: response.headers.get('etag') ?? '' } : undefined
  }

  /** Whether it was written: with `over`, only in the place of that version, and with `null` only where there is none. */
  async put(key: string, text: string, over?: string | null, signal?: AbortSignal): Promise<boolean> {
    const condition = over === null ? { 'if-none-match': '*' } : over === undefined ? {} : { 'if-match': over }
    const response = await this.#send('PUT', key, condition, text, signal)
    await response.body?.cancel()
    return response.ok
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    const response = await this.#send('DELETE', key, {}, undefined, signal)
    await response.body?.cancel()
  }

  async #send(
    method: string,
    key: string,
    headers: Record<string, string>,
    body?: string,
    signal?: AbortSignal,
  ): Promise<Response> {
    try {
      const init = { method, headers, ...(body !== undefined && { body }), ...(signal && { signal }) }
      const response = await this.#fetch(`${this.#url}/${key}`, init)
      // Missing; refused because of its condition; refused because of another write at the same moment.
      if (response.ok || [404, 409, 412].includes(response.status)) return response
      await response.body?.cancel()
      throw new Error(`${method} was answered with status ${response.status}`)
    } catch (error) {
      // Not a word of the URL: it may hold a signature.
      const words = error instanceof Error ? error.message : String(error)
      throw new CrewError(
        'storage_unavailable',
        `The object store failed: ${words}; look at address and rights`,
        {},
        error,
      )
    }
  }
}
