import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What becomes of new connections, and of what goes over all of them. */
type Way =
  /** Both ways, after `delayMs`. */
  | 'open'
  /** Connections are accepted, and nothing comes out at the other end: half-open, as after a pulled cable. */
  | 'silent'
  /** Nobody is there. */
  | 'closed'

interface Link {
  readonly client: Socket
  readonly server: Socket
}

/** Stands between a client and a server on this machine, and is as bad a network as it is told to be. */
export class TcpProxy {
  /** Of everything, each way. */
  delayMs = 0
  /** How many connections were asked for. */
  attempts = 0
  #way: Way = 'open'
  #cutting: { readonly at: (sent: Buffer) => boolean; readonly when: 'before' | 'after'; tell(): void } | undefined
  readonly #target: URL
  readonly #listener: Server
  readonly #links = new Set<Link>()

  private constructor(target: URL, listener: Server) {
    this.#target = target
    this.#listener = listener
    listener.on('connection', (client) => {
      this.#accept(client)
    })
  }

  static async before(address: string): Promise<TcpProxy> {
    const listener = createServer()
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return new TcpProxy(new URL(address), listener)
  }

  /** The server's, by way of this. */
  get address(): string {
    const url = new URL(this.#target)
    url.hostname = '127.0.0.1'
    url.port = String((this.#listener.address() as AddressInfo).port)
    return url.href
  }

  /** Lets everything through, from now on. What was swallowed stays lost, with its connection. */
  open(): void {
    this.#way = 'open'
  }

  /** Swallows everything, without a word to either end. */
  silence(): void {
    this.#way = 'silent'
  }

  /** Breaks all connections, and takes no new ones. */
  shut(): void {
    this.#way = 'closed'
    this.cut()
  }

  /** Breaks all connections. */
  cut(): void {
    for (const link of this.#links) this.#break(link)
  }

  /**
   * Breaks the connection once, at the first thing sent for which `at` holds: before it reaches the server, or after the
   * server has answered, which the client never learns. Resolves when it has.
   */
  cutAt(when: 'before' | 'after', at: (sent: string) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#cutting = { at: (sent) => at(sent.toString('latin1')), when, tell: resolve }
    })
  }

  async close(): Promise<void> {
    this.#listener.close()
    this.shut()
    await once(this.#listener, 'close')
  }

  #accept(client: Socket): void {
    this.attempts++
    // Whoever breaks a connection is not to be told that it is broken.
    client.on('error', () => undefined)
    if (this.#way === 'closed') {
      client.resetAndDestroy()
      return
    }
    const server = connect(Number(this.#target.port), this.#target.hostname)
    server.on('error', () => undefined)
    const link: Link = { client, server }
    this.#links.add(link)
    let isLost = this.#way === 'silent'
    let isAnswerAwaited = false
    const pass = (to: Socket, data: Buffer): void => {
      if (isLost || this.#way !== 'open') {
        isLost = true
        return
      }
      if (this.delayMs === 0) to.write(data)
      else setTimeout(() => !to.destroyed && !isLost && to.write(data), this.delayMs)
    }
    client.on('data', (data) => {
      const cutting = this.#cutting?.at(data) === true ? this.#cutting : undefined
      if (cutting) this.#cutting = undefined
      if (cutting?.when === 'before') this.#break(link)
      else pass(server, data)
      if (cutting?.when === 'before') cutting.tell()
      if (cutting?.when === 'after') {
        isAnswerAwaited = true
        server.once('data', () => {
          this.#break(link)
          cutting.tell()
        })
      }
    })
    server.on('data', (data) => {
      if (!isAnswerAwaited) pass(client, data)
    })
    for (const end of [client, server])
      end.on('close', () => {
        // A silent network does not tell one end of the other.
        if (this.#way !== 'silent' || !isLost) this.#break(link)
      })
  }

  #break(link: Link): void {
    this.#links.delete(link)
    for (const end of [link.client, link.server]) if (!end.destroyed) end.resetAndDestroy()
  }
}
