import { type Crew, type JournalStorage, openCrew } from 'crewlog'
import { expect } from 'vitest'
import { commit } from '../../src/testing/storage-contract/samples.js'
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
