import { checkJournal } from 'crewlog/testing'
import { type Crew, type JournalStorage, openCrew } from 'crewlog'
import { expect } from 'vitest'
import { commit } from '../../src/testing/storage-contract/samples.js'
import type { Connection } from './engines.js'
import type { OwnServer } from './own-servers.js'

// What all storages do over a server that has a bad day.

/** A crew that takes what befalls its server in silence. */
export const openOver = (storage: JournalStorage): Promise<Crew> => openCrew({ storage, onError: () => undefined })

/** Nobody waits for a server that is stopped longer than asked, and it answers when it goes on. */
export async function endsSilence(server: OwnServer, storage: JournalStorage): Promise<void> {
  await storage.open!('crew')
  await storage.append('crew', commit(1))
  server.signal('SIGSTOP')
  const readOn = async (): Promise<never> => {
    for (;;) await storage.read('crew', 0, 10, { timeoutMs: 100 })
  }
  await expect(readOn()).rejects.toMatchObject({ code: 'timed_out' })
  server.signal('SIGCONT')
  expect(await storage.read('crew', 0, 10)).toEqual({ commits: [commit(1)] })
}

/** All that a crew asks of its server, so that it shows which right is missing. */
export async function asksForAll(storage: JournalStorage): Promise<void> {
  const crew = await openOver(storage)
  const woken = new Promise<void>((resolve) => storage.watch!('crew', resolve))
  await crew.tracker.create({ description: 'Work' })
  await crew.checkpoint()
  await storage.trim('crew', 1)
  await woken
  await crew.close()
}

const WRITERS = 3
const TASKS_EACH = 20

interface FailOver {
  /** Another process, as it were. */
  readonly connect: () => Promise<Connection>
  /** When nobody is at work. */
  readonly before?: () => Promise<unknown>
  /** Lets the server go, for which another one takes over. */
  readonly run: () => Promise<void>
}

/** Processes go on at one crew through a fail-over, and nothing is lost or doubled. */
export async function outlasts({ connect, before, run }: FailOver): Promise<void> {
  const connections = await Promise.all(Array.from({ length: WRITERS + 1 }, connect))
  const [reader, ...writers] = connections.map(({ storage }) => storage)
  const crews = await Promise.all(writers.map(openOver))
  const createAll = (when: string): Promise<unknown> =>
    Promise.all(
      crews.flatMap(({ tracker }, at) =>
        Array.from({ length: TASKS_EACH }, (_, index) =>
          tracker.create({ id: `${when}-${at}-${index}`, description: 'Do it' }),
        ),
      ),
    )
  await createAll('before')
  await before?.()
  const over = run()
  await createAll('meanwhile')
  await over
  await createAll('after')
  const again = await openOver(reader!)
  expect(again.tracker.count()).toBe(WRITERS * TASKS_EACH * 3)
  expect(await checkJournal(reader!)).toEqual([])
  for (const crew of [...crews, again]) await crew.close()
  for (const connection of connections) await connection.close()
}
