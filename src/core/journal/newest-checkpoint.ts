import { LoadedCheckpoint } from './checkpoint.js'
import { CrewError } from '../errors.js'
import type { StorageClient } from './storage-client.js'

interface Search {
  /** Of who opens, and has time. */
  readonly isFirst: boolean
  /** Awaited between parts. */
  readonly turn: () => Promise<void>
  /** The error where the log is trimmed, and nothing leads on from there. */
  readonly nothingAfter: (trimmedTo: number) => CrewError
}

/** The newest checkpoint that the log goes on from; one that is damaged, unknown or of another log is passed over. */
export async function newestCheckpoint(storage: StorageClient, search: Search): Promise<LoadedCheckpoint | undefined> {
  let why: unknown
  let newest = 0
  for (let before = Infinity; ;) {
    const checkpoint = await storage.loadCheckpoint(before, search.isFirst)
    if (!checkpoint || checkpoint.seq >= before) break
    before = checkpoint.seq
    newest ||= before
    try {
      if (await storage.has(checkpoint)) return await LoadedCheckpoint.read(checkpoint, search.turn)
    } catch (error) {
      if (CrewError.is(error, 'storage_unavailable')) throw error
      why ??= error
    }
  }
  const trimmedTo = await storage.trimmedTo()
  if (trimmedTo === 0) return undefined
  // While it looked, others may have saved newer ones, and trimmed what those lead on from that it saw.
  if (((await storage.loadCheckpoint())?.seq ?? 0) > newest) return newestCheckpoint(storage, search)
  throw CrewError.is(why) ? why : search.nothingAfter(trimmedTo)
}
