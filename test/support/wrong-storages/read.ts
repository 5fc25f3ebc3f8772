import { CrewError } from '../../../src/core/errors.js'
import type { Appended, Commit, Run } from '../../../src/core/journal/journal-storage.js'
import type { StorageBackend } from 'crewlog/testing'
import { alone, Plain, type Wrong } from './right.js'

export const read: readonly Wrong[] = [
  [
    'hands the same object to every reader',
    'it: read hands out copies: what one reader changes, no other sees',
    alone(
      class extends Plain {
        readonly read1 = new Map<string, Run>()
        override async read(journal: string, after: number, limit: number): Promise<Run> {
          const key = JSON.stringify([journal, after, (await this.all(journal)).at(-1)?.seq])
          const run = this.read1.get(key) ?? structuredClone(await super.read(journal, after, limit))
          this.read1.set(key, run)
          return run
        }
      },
    ),
  ],
  [
    'reads from the number on, not behind it',
    'it: read begins with the commit behind the given number',
    alone(
      class extends Plain {
        override read(journal: string, after: number, limit: number): Promise<Run> {
          return super.read(journal, Math.max(0, after - 1), limit)
        }
      },
    ),
  ],
  [
    'reads without a limit',
    'it: read brings no more than the limit, and no fewer while there are more',
    alone(
      class extends Plain {
        override read(journal: string, after: number): Promise<Run> {
          return super.read(journal, after, Infinity)
        }
      },
    ),
  ],
  [
    'reads pages of its own size',
    'it: read brings no more than the limit, and no fewer while there are more',
    alone(
      class extends Plain {
        override read(journal: string, after: number, limit: number): Promise<Run> {
          return super.read(journal, after, Math.min(limit, 50))
        }
      },
    ),
  ],
  [
    'rejects what it does not know',
    'it: read answers an unknown journal with an empty run',
    alone(
      class extends Plain {
        override async read(journal: string, after: number, limit: number): Promise<Run> {
          if ((await this.all(journal)).length === 0) throw new CrewError('not_found', journal)
          return super.read(journal, after, limit)
        }
      },
    ),
  ],
  [
    'reads beyond the end from the start',
    'it: read is empty at the end and beyond it',
    alone(
      class extends Plain {
        override async read(journal: string, after: number, limit: number): Promise<Run> {
          const last = (await this.all(journal)).at(-1)?.seq ?? 0
          return super.read(journal, after > last ? 0 : after, limit)
        }
      },
    ),
  ],
  [
    'lets a second client read what is no longer true',
    'it: read brings every append acknowledged before the call, to every client',
    (): StorageBackend => {
      const storage = new Plain()
      let seen: readonly Commit[] = []
      class Behind extends Plain {
        override async read(journal: string, after: number, limit: number): Promise<Run> {
          const stale = seen
          seen = await storage.all(journal)
          const run = await storage.read(journal, after, limit)
          return 'commits' in run
            ? { commits: run.commits.filter(({ seq }) => stale.some((old) => old.seq === seq)) }
            : run
        }
        override append(journal: string, commit: Commit): Promise<Appended> {
          return storage.append(journal, commit)
        }
      }
      return { storage, rival: new Behind() }
    },
  ],
]
