import type { Environment } from '../../src/core/environment.js'
import type { JournalStorage } from '../../src/core/journal-storage.js'

/** How one append or read goes: as it should, or wrong in one of the ways of networks. */
export type Fault =
  'none' | 'error' | 'lost answer' | 'delay' | 'delayed lost answer' | 'hang' | 'late' | 'false refusal'

/**
 * A storage between a journal and the real one, as bad as `next` says. 'lost answer' does it and rejects; 'late' answers
 * nothing and does it after the caller has given up; 'false refusal' does it and says that it was refused, as client
 * libraries do that resend by themselves.
 */
export function faulty(
  storage: JournalStorage,
  environment: Environment,
  next: (call: 'append' | 'read') => Fault,
): JournalStorage {
  const wait = (ms: number) =>
    new Promise<void>((resolve) => {
      environment.setTimer(resolve, ms)
    })
  const never = new Promise<never>(() => undefined)
  const suffer = async <T>(call: 'append' | 'read', run: () => Promise<T>): Promise<T> => {
    switch (next(call)) {
      case 'none':
        return run()
      case 'error':
        throw new Error('connection refused')
      case 'lost answer':
        await run()
        throw new Error('connection reset')
      case 'delay':
        await wait(20)
        return run()
      case 'delayed lost answer': {
        await run()
        await wait(40)
        throw new Error('connection reset')
      }
      case 'hang':
        return never
      case 'late':
        await wait(12_000)
        await run()
        return never
      case 'false refusal':
        await run()
        return call === 'append' ? ({ appended: false } as T) : run()
    }
  }
  return {
    writers: storage.writers,
    maxCommitBytes: storage.maxCommitBytes,
    append: (journal, commit) => suffer('append', () => storage.append(journal, commit)),
    read: (journal, after, limit) => suffer('read', () => storage.read(journal, after, limit)),
    saveCheckpoint: (journal, checkpoint) => storage.saveCheckpoint(journal, checkpoint),
    loadCheckpoint: (journal, before) => storage.loadCheckpoint(journal, before),
    trim: (journal, through) => storage.trim(journal, through),
    ...(storage.watch && {
      watch: (journal: string, wake: () => void) => storage.watch?.(journal, wake) ?? (() => undefined),
    }),
  }
}
