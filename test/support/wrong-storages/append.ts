import type { Appended, Commit, Run } from '../../../src/core/journal/journal-storage.js'
import type { StorageBackend } from 'crewlog/testing'
import { alone, Plain, type Wrong } from './right.js'

export const append: readonly Wrong[] = [
  [
    'compares with the absence of a row',
    'it: append refuses a writer that slept: numbers that are trimmed are not free',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          const run = await super.read(journal, 0, 1)
          if ('trimmedTo' in run && commit.seq <= run.trimmedTo) return { appended: true }
          return super.append(journal, commit)
        }
      },
    ),
  ],
  [
    'does not compare prev',
    'it: append refuses a commit whose prev is not the id of the last one, and changes nothing',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          const prev = (await this.all(journal)).at(-1)?.id ?? ''
          return super.append(journal, { ...commit, prev })
        }
      },
    ),
  ],
  [
    'compares ids as an engine with a lenient collation does',
    'it: append compares ids character by character',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          const prev = (await this.all(journal)).at(-1)?.id ?? ''
          const isEqual = prev.localeCompare(commit.prev.trimEnd(), 'en', { sensitivity: 'base' }) === 0
          return super.append(journal, isEqual ? { ...commit, prev } : commit)
        }
      },
    ),
  ],
  [
    'lets gaps be',
    'it: append refuses a number that would leave a gap, and changes nothing',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          const last = (await this.all(journal)).at(-1)
          const isBehind = commit.seq > (last?.seq ?? 0)
          return super.append(
            journal,
            isBehind ? { ...commit, seq: (last?.seq ?? 0) + 1, prev: last?.id ?? '' } : commit,
          )
        }
      },
    ),
  ],
  [
    'overwrites what is taken',
    'it: append refuses a number that is taken, and changes nothing',
    alone(
      class extends Plain {
        readonly over = new Map<string, Commit>()
        override async append(journal: string, commit: Commit): Promise<Appended> {
          const answer = await super.append(journal, commit)
          if (!answer.appended && commit.id === 'other') this.over.set(`${journal} ${commit.seq}`, commit)
          return answer
        }
        override async read(journal: string, after: number, limit: number): Promise<Run> {
          const run = await super.read(journal, after, limit)
          return 'commits' in run
            ? { commits: run.commits.map((commit) => this.over.get(`${journal} ${commit.seq}`) ?? commit) }
            : run
        }
      },
    ),
  ],
  [
    'looks first and stores later',
    'it: append lets exactly one in of those who append the same number at the same time',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          const last = (await this.all(journal)).at(-1)
          if (commit.seq !== (last?.seq ?? 0) + 1 || commit.prev !== (last?.id ?? '')) return { appended: false }
          await Promise.resolve()
          await super.append(journal, commit)
          return { appended: true }
        }
      },
    ),
  ],
  [
    'says that it appended what it did not store',
    'it: append adds the first commit, and each next one behind it',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          return commit.seq % 3 === 0 ? { appended: true } : super.append(journal, commit)
        }
      },
    ),
  ],
  [
    'takes the same commit sent again for a success',
    'it: append refuses the same commit sent again, and keeps it once',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          const isThere = (await this.all(journal)).some(({ id }) => id === commit.id)
          return isThere ? { appended: true } : super.append(journal, commit)
        }
      },
    ),
  ],
  [
    'hands over the wrong end of what was missed',
    'it: append hands over with a refusal, if anything, commits that are in the journal, in order',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          const answer = await super.append(journal, commit)
          return answer.appended ? answer : { ...answer, missed: await this.all(journal, commit.seq) }
        }
      },
    ),
  ],
  [
    'appends in another order than it was called in, and says so of none',
    'it: append answers truly to appends that do not wait for each other',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          await super.append(journal, commit)
          return { appended: commit.seq !== 2 }
        }
      },
    ),
  ],
  [
    'keeps the object of the caller',
    'it: append keeps a copy: what the caller changes later does not reach it',
    alone(
      class extends Plain {
        readonly given = new Map<string, Commit>()
        override async append(journal: string, commit: Commit): Promise<Appended> {
          const answer = await super.append(journal, commit)
          if (answer.appended) this.given.set(`${journal} ${commit.seq}`, commit)
          return answer
        }
        override async read(journal: string, after: number, limit: number): Promise<Run> {
          const run = await super.read(journal, after, limit)
          return 'commits' in run
            ? { commits: run.commits.map((commit) => this.given.get(`${journal} ${commit.seq}`) ?? commit) }
            : run
        }
      },
    ),
  ],
  [
    'takes appends of one client alone',
    'it: append lets every writer go on where another one stopped',
    (): StorageBackend => {
      const storage = new Plain()
      class Shut extends Plain {
        override async append(): Promise<Appended> {
          return { appended: false }
        }
      }
      return { storage, rival: new Shut() }
    },
  ],
]
