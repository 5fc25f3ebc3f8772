import type { JournalStorage } from 'crewlog'
import { storageContract } from 'crewlog/testing'
import { describe, it } from 'vitest'
import { isMissing, type Service } from './services.js'

/** An engine that journals are kept in, as tests use it from this and from other processes. */
export interface Engine {
  readonly name: string
  /** The server that it needs; none for what runs in the process. */
  readonly service?: Service
  /** Makes a new, empty place to keep journals in, and names it by a text that any process can connect to. */
  make(): Promise<string>
  /** A client of its own, as another process would have one. */
  connect(place: string, way?: Way): Promise<Connection>
  remove(place: string): Promise<void>
}

/** How to get to a server. */
interface Way {
  /** Where it is, if not in the usual place. */
  readonly address?: string
  /** After which a connection that is silent is given up; default 15 s. */
  readonly silenceMs?: number
}

export interface Connection {
  readonly storage: JournalStorage
  close(): Promise<void>
}

/** The tests of the port, over places of `engine`, two clients at a time. */
export async function keepsContract(engine: Engine): Promise<void> {
  storageContract({
    name: engine.name,
    describe: describe.skipIf(await isMissing(engine.service)),
    it,
    open: async () => {
      const place = await engine.make()
      const [first, second] = [await engine.connect(place), await engine.connect(place)]
      return {
        storage: first.storage,
        rival: second.storage,
        dispose: async () => {
          await Promise.all([first.close(), second.close()])
          await engine.remove(place)
        },
      }
    },
  })
}
