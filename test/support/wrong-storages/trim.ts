import type { Appended, Commit, Run } from '../../../src/core/journal/journal-storage.js'
import { alone, Plain, type Wrong } from './right.js'

export const trim: readonly Wrong[] = [
  [
    'keeps what was trimmed',
    'it: trim makes a run that begins in what is gone answer with the last number that is gone',
    alone(
      class extends Plain {
        override async trim(): Promise<void> {
          // Nothing.
        }
      },
    ),
  ],
  [
    'trims the newest commit too',
    'it: trim never forgets the newest commit',
    alone(
      class extends Plain {
        readonly gone = new Map<string, number>()
        override async trim(journal: string, through: number): Promise<void> {
          const last = (await this.all(journal)).at(-1)?.seq ?? 0
          await super.trim(journal, through)
          if (last > 0 && through >= last) this.gone.set(journal, last)
        }
        override async read(journal: string, after: number, limit: number): Promise<Run> {
          const trimmedTo = this.gone.get(journal) ?? 0
          return after < trimmedTo ? { trimmedTo } : super.read(journal, after, limit)
        }
      },
    ),
  ],
  [
    'trims one too few',
    'it: trim forgets the commits up to the number, and keeps the others as they were',
    alone(
      class extends Plain {
        override async read(journal: string, after: number, limit: number): Promise<Run> {
          const run = await super.read(journal, after, limit)
          const first = 'commits' in run ? run.commits[0] : undefined
          const isCut = 'trimmedTo' in (await super.read(journal, Math.max(0, after - 1), 1))
          return first && isCut && after > 0 ? { trimmedTo: after + 1 } : run
        }
      },
    ),
  ],
  [
    'trims all journals',
    'it: trim leaves other journals and the checkpoints alone',
    alone(
      class extends Plain {
        override async trim(_: string, through: number): Promise<void> {
          for (const journal of ['crew', 'other']) await super.trim(journal, through)
        }
      },
    ),
  ],
  [
    'numbers anew after a trim',
    'it: trim lets appends go on, and be trimmed again',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          const run = await super.read(journal, 0, 1)
          return 'trimmedTo' in run ? { appended: false } : super.append(journal, commit)
        }
      },
    ),
  ],
  [
    'trims what is already trimmed, counted from the start of what is left',
    'it: trim changes nothing when there is nothing to forget',
    alone(
      class extends Plain {
        override async trim(journal: string, through: number): Promise<void> {
          const run = await super.read(journal, 0, 1)
          await super.trim(journal, through + ('trimmedTo' in run ? run.trimmedTo : 0))
        }
      },
    ),
  ],
]
