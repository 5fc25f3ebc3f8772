import { CrewError } from '../../../src/core/errors.js'
import type { Appended, Commit, Run } from '../../../src/core/journal/journal-storage.js'
import { alone, Checkpointing, type Kept, Plain, type Wrong } from './right.js'

export const bytes: readonly Wrong[] = [
  [
    'folds upper and lower case of names',
    'it: names are compared character by character, all that an id may be',
    alone(
      class extends Plain {
        override append(journal: string, commit: Commit): Promise<Appended> {
          return super.append(journal.toLowerCase(), commit)
        }
        override read(journal: string, after: number, limit: number): Promise<Run> {
          return super.read(journal.toLowerCase(), after, limit)
        }
      },
    ),
  ],
  [
    'cuts long names',
    'it: names are compared character by character, all that an id may be',
    alone(
      class extends Plain {
        override append(journal: string, commit: Commit): Promise<Appended> {
          return super.append(journal.slice(0, 127), commit)
        }
        override read(journal: string, after: number, limit: number): Promise<Run> {
          return super.read(journal.slice(0, 127), after, limit)
        }
      },
    ),
  ],
  [
    'drops U+0000, as some engines do',
    'it: bytes come back as JSON has them, in texts, keys and numbers',
    alone(
      class extends Plain {
        override append(journal: string, commit: Commit): Promise<Appended> {
          return super.append(journal, JSON.parse(JSON.stringify(commit).replaceAll('\\u0000', '')) as Commit)
        }
      },
    ),
  ],
  [
    'turns lone surrogates into question marks, as UTF-8 does',
    'it: bytes come back as JSON has them, in texts, keys and numbers',
    alone(
      class extends Plain {
        override append(journal: string, commit: Commit): Promise<Appended> {
          const text = JSON.stringify(commit).replaceAll(/(?<!\\)\\ud[89a-f]../g, '\ufffd')
          return super.append(journal, JSON.parse(text) as Commit)
        }
      },
    ),
  ],
  [
    'keeps ids in a column of UTF-8',
    'it: bytes of ids come back too, and count in comparisons',
    alone(
      class extends Plain {
        override append(journal: string, commit: Commit): Promise<Appended> {
          return super.append(journal, { ...commit, id: Buffer.from(commit.id).toString() })
        }
      },
    ),
  ],
  [
    'is smaller than it says',
    'it: limits let a commit of maxCommitBytes in',
    alone(
      class extends Plain {
        override async append(journal: string, commit: Commit): Promise<Appended> {
          if (JSON.stringify(commit).length * 3 > this.maxCommitBytes)
            throw new CrewError('limit_exceeded', 'too large')
          return super.append(journal, commit)
        }
      },
    ),
  ],
  [
    'cuts what is too large',
    'it: limits reject a larger one with limit_exceeded and store nothing, or keep it whole',
    alone(
      class extends Plain {
        override append(journal: string, commit: Commit): Promise<Appended> {
          const bytes = Buffer.byteLength(JSON.stringify(commit))
          return super.append(journal, bytes > this.maxCommitBytes ? { ...commit, events: [] } : commit)
        }
      },
    ),
  ],
  [
    'has no limits that mean anything',
    'it: limits are declared',
    alone(
      class extends Plain {
        override readonly maxCommitBytes = NaN
      },
    ),
  ],
  [
    'has less room for parts than for commits',
    'it: limits let a part of a checkpoint of maxCommitBytes in',
    alone(
      class extends Checkpointing {
        override put(journal: string, next: Kept): void {
          if (next.texts.some((text) => text.length > 10_000)) throw new CrewError('limit_exceeded', 'too large')
          super.put(journal, next)
        }
      },
    ),
  ],
]
