import { Socket } from 'node:net'

/**
 * A socket that breaks when nothing has gone over it for so long. Clients of databases wait for ever for a server that
 * is silent, and a pool of such connections is used up soon.
 */
export function impatientSocket(silenceMs: number): Socket {
  const socket = new Socket()
  return socket.setTimeout(silenceMs, () => {
    socket.destroy(new Error(`Nothing was heard for ${silenceMs} ms`))
  })
}
