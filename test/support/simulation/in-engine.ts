import type { JournalStorage } from 'crewlog'

/** A storage in which a simulation has a journal of its own, whatever it calls it. */
export function ownJournal(storage: JournalStorage, seed: number): JournalStorage {
  const named = (journal: string): string => `${journal}-${String(seed)}`
  return {
    writers: storage.writers,
    maxCommitBytes: storage.maxCommitBytes,
    append: (journal, ...args) => storage.append(named(journal), ...args),
    read: (journal, ...args) => storage.read(named(journal), ...args),
    saveCheckpoint: (journal, ...args) => storage.saveCheckpoint(named(journal), ...args),
    loadCheckpoint: (journal, ...args) => storage.loadCheckpoint(named(journal), ...args),
    trim: (journal, ...args) => storage.trim(named(journal), ...args),
    ...(storage.open && { open: (journal, options) => storage.open?.(named(journal), options) ?? Promise.resolve() }),
    ...(storage.close && { close: (journal) => storage.close?.(named(journal)) ?? Promise.resolve() }),
    ...(storage.watch && { watch: (journal, wake) => storage.watch?.(named(journal), wake) ?? (() => undefined) }),
  }
}
