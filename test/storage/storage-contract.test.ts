import { describe, expect, it } from 'vitest'
import { CrewError } from '../../src/core/errors.js'
import type { Appended, Checkpoint, Commit, JournalStorage, Run } from '../../src/core/journal-storage.js'
import { MemoryStorage } from '../../src/core/memory-storage.js'
import { type Backend, storageContract } from '../support/storage-contract.js'

interface Case {
  readonly sentence: string
  readonly run: () => Promise<void>
}

function casesFor(open: () => Backend): readonly Case[] {
  const cases: Case[] = []
  let concern = ''
  storageContract({
    name: 'it',
    describe: (name, body) => {
      concern = name
      body()
    },
    it: (name, run) => cases.push({ sentence: `${concern} ${name}`, run }),
    open,
    patienceMs: 100,
  })
  return cases
}

/** The sentences of the contract that a backend breaks. */
async function broken(open: () => Backend): Promise<readonly string[]> {
  const cases = casesFor(open)
  const ends = await Promise.allSettled(cases.map(({ run }) => run()))
  return cases.filter((_, index) => ends[index]?.status === 'rejected').map(({ sentence }) => sentence)
}

/** Right, and small enough to be tried at its limits often. */
class Plain extends MemoryStorage {
  override readonly maxCommitBytes: number = 20_000

  async all(journal: string, after = 0): Promise<readonly Commit[]> {
    const run = await super.read(journal, after, Infinity)
    return 'commits' in run
      ? run.commits
      : super.read(journal, run.trimmedTo, Infinity).then((rest) => ('commits' in rest ? rest.commits : []))
  }
}

type Kept = Omit<Checkpoint, 'parts'> & { readonly texts: readonly string[] }

/** Checkpoints done by hand, so that each rule can be left out. */
class Checkpointing extends Plain {
  readonly kept = new Map<string, Kept[]>()
  keep = 2

  override async saveCheckpoint(journal: string, { seq, id, format, parts }: Checkpoint): Promise<void> {
    const texts: string[] = []
    for await (const part of parts) texts.push(part)
    this.put(journal, { seq, id, format, texts })
  }

  override async loadCheckpoint(journal: string, before = Infinity): Promise<Checkpoint | undefined> {
    const found = this.of(journal).findLast(({ seq }) => this.isBelow(seq, before))
    return found && { seq: found.seq, id: found.id, format: found.format, parts: this.parts(found.texts) }
  }

  put(journal: string, next: Kept): void {
    const kept = this.of(journal)
    if (!this.isNews(next.seq, kept.at(-1)?.seq ?? 0)) return
    kept.push(next)
    if (kept.length > this.keep) kept.shift()
  }

  isNews(seq: number, newest: number): boolean {
    return seq > newest
  }

  isBelow(seq: number, before: number): boolean {
    return seq < before
  }

  of(journal: string): Kept[] {
    const kept = this.kept.get(journal) ?? []
    this.kept.set(journal, kept)
    return kept
  }

  async *parts(texts: readonly string[]): AsyncGenerator<string> {
    yield* texts
  }
}

/** A storage for one writer, kept in this map by journal. */
class OneWriter implements JournalStorage {
  readonly writers = 'one'
  readonly maxCommitBytes = 20_000
  readonly #opened = new Set<string>()

  constructor(
    readonly inner: Plain,
    readonly held: Set<string>,
  ) {}

  async open(journal: string): Promise<void> {
    if (this.isRefused(journal)) throw this.refusal()
    this.held.add(journal)
    this.#opened.add(journal)
  }
  isRefused(journal: string): boolean {
    return this.held.has(journal)
  }
  refusal(): CrewError {
    return new CrewError('storage_unavailable', 'held by another')
  }
  append(journal: string, commit: Commit): Promise<Appended> {
    return this.inner.append(journal, commit)
  }
  read(journal: string, after: number, limit: number): Promise<Run> {
    return this.inner.read(journal, after, limit)
  }
  saveCheckpoint(journal: string, checkpoint: Checkpoint): Promise<void> {
    return this.inner.saveCheckpoint(journal, checkpoint)
  }
  loadCheckpoint(journal: string, before?: number): Promise<Checkpoint | undefined> {
    return this.inner.loadCheckpoint(journal, before)
  }
  trim(journal: string, through: number): Promise<void> {
    return this.inner.trim(journal, through)
  }
  async close(journal: string): Promise<void> {
    if (this.#opened.delete(journal)) this.held.delete(journal)
  }
}

const alone = (Client: new () => JournalStorage) => (): Backend => {
  const storage = new Client()
  return { storage, rival: storage }
}

const oneWriter = (Client: typeof OneWriter) => (): Backend => {
  const shared = [new Plain(), new Set<string>()] as const
  return { storage: new Client(...shared), rival: new Client(...shared) }
}

/** Each is wrong in one way, and breaks the sentence that says so. */
const WRONG: readonly (readonly [wrong: string, sentence: string, open: () => Backend])[] = [
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
    (): Backend => {
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
    'shows a checkpoint before it is whole',
    'it: checkpoints shows one only when all of its parts are there',
    alone(
      class extends Checkpointing {
        override async saveCheckpoint(journal: string, { seq, id, format, parts }: Checkpoint): Promise<void> {
          const texts: string[] = []
          this.put(journal, { seq, id, format, texts })
          for await (const part of parts) texts.push(part)
        }
      },
    ),
  ],
  [
    'keeps what it has of a checkpoint that fails',
    'it: checkpoints keeps nothing of one whose parts fail, and rejects',
    alone(
      class extends Checkpointing {
        override async saveCheckpoint(journal: string, { seq, id, format, parts }: Checkpoint): Promise<void> {
          const texts: string[] = []
          try {
            for await (const part of parts) texts.push(part)
          } finally {
            this.put(journal, { seq, id, format, texts })
          }
        }
      },
    ),
  ],
  [
    'hides that a checkpoint failed',
    'it: checkpoints keeps nothing of one whose parts fail, and rejects',
    alone(
      class extends Checkpointing {
        override saveCheckpoint(journal: string, checkpoint: Checkpoint): Promise<void> {
          return super.saveCheckpoint(journal, checkpoint).catch(() => undefined)
        }
      },
    ),
  ],
  [
    'keeps one checkpoint',
    'it: checkpoints keeps the newest two',
    alone(
      class extends Checkpointing {
        override keep = 1
      },
    ),
  ],
  [
    'keeps three checkpoints',
    'it: checkpoints keeps the newest two',
    alone(
      class extends Checkpointing {
        override keep = 3
      },
    ),
  ],
  [
    'lets an older checkpoint replace a newer one',
    'it: checkpoints takes one that is older than the newest, or of the same number, as no change',
    alone(
      class extends Checkpointing {
        override isNews(): boolean {
          return true
        }
      },
    ),
  ],
  [
    'lets a checkpoint of the same number replace the first',
    'it: checkpoints takes one that is older than the newest, or of the same number, as no change',
    alone(
      class extends Checkpointing {
        override put(journal: string, next: Kept): void {
          if (this.of(journal).at(-1)?.seq === next.seq) this.of(journal).pop()
          super.put(journal, next)
        }
      },
    ),
  ],
  [
    'takes before as up to',
    'it: checkpoints answers `before` with a number strictly below',
    alone(
      class extends Checkpointing {
        override isBelow(seq: number, before: number): boolean {
          return seq <= before
        }
      },
    ),
  ],
  [
    'joins the parts of a checkpoint',
    'it: checkpoints brings back number, id, format and the parts in their order',
    alone(
      class extends Checkpointing {
        override async *parts(texts: readonly string[]): AsyncGenerator<string> {
          yield texts.join('\n')
        }
      },
    ),
  ],
  [
    'writes the JSON of checkpoints anew',
    'it: checkpoints brings back number, id, format and the parts in their order',
    alone(
      class extends Checkpointing {
        override async *parts(texts: readonly string[]): AsyncGenerator<string> {
          for (const text of texts) yield JSON.stringify(JSON.parse(text))
        }
      },
    ),
  ],
  [
    'keeps the checkpoints of all journals together',
    'it: checkpoints belong to their journal',
    alone(
      class extends Checkpointing {
        override of(): Kept[] {
          return super.of('all')
        }
      },
    ),
  ],
  [
    'takes a read checkpoint away when the next is saved',
    'it: checkpoints can be read on while the next one is saved',
    alone(
      class extends Checkpointing {
        override async *parts(texts: readonly string[]): AsyncGenerator<string> {
          const isNewest = this.of('crew').at(-1)?.texts === texts
          if (isNewest || this.of('crew').length === 1) yield* texts
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
    'never wakes',
    'it: watch wakes whoever watches, after an append by any client',
    alone(
      class extends Plain {
        override watch() {
          return () => undefined
        }
      },
    ),
  ],
  [
    'wakes for ever',
    'it: watch ends when told so, for that watcher alone',
    alone(
      class extends Plain {
        override watch(journal: string, wake: () => void) {
          super.watch(journal, wake)
          return () => undefined
        }
      },
    ),
  ],
  [
    'ends all watchers with one',
    'it: watch ends when told so, for that watcher alone',
    alone(
      class extends Plain {
        readonly offs: (() => void)[] = []
        override watch(journal: string, wake: () => void) {
          this.offs.push(super.watch(journal, wake))
          return () => {
            for (const off of this.offs) off()
          }
        }
      },
    ),
  ],
  [
    'hangs when the signal aborts',
    'it: signals a call whose signal has aborted ends it, and leaves the storage as usable as before',
    alone(
      class extends Plain {
        override read(journal: string, after: number, limit: number, options?: { signal?: AbortSignal }): Promise<Run> {
          return options?.signal?.aborted ? new Promise(() => undefined) : super.read(journal, after, limit)
        }
      },
    ),
  ],
  [
    'lets a second writer open',
    'it: open is refused to a second writer, where there can be only one',
    oneWriter(
      class extends OneWriter {
        override isRefused(): boolean {
          return false
        }
      },
    ),
  ],
  [
    'refuses a second writer for good',
    'it: open is refused to a second writer, where there can be only one',
    oneWriter(
      class extends OneWriter {
        override refusal(): CrewError {
          return new CrewError('permission_denied', 'held by another')
        }
      },
    ),
  ],
  [
    'has one lock for all journals',
    'it: open one journal leaves the others free',
    oneWriter(
      class extends OneWriter {
        override isRefused(): boolean {
          return this.held.size > 0
        }
      },
    ),
  ],
  [
    'never lets go',
    'it: open after a close goes on where it stopped',
    oneWriter(
      class extends OneWriter {
        override async close(): Promise<void> {
          // Nothing.
        }
      },
    ),
  ],
  [
    'reads only what is open',
    'it: open is not needed to read',
    oneWriter(
      class extends OneWriter {
        override async read(journal: string, after: number, limit: number): Promise<Run> {
          if (!this.held.has(journal)) throw new CrewError('not_open', journal)
          return super.read(journal, after, limit)
        }
      },
    ),
  ],
  [
    'writes a first record at open',
    'it: open adds nothing to a journal, nor does closing',
    oneWriter(
      class extends OneWriter {
        override async open(journal: string): Promise<void> {
          await super.open(journal)
          await this.inner.append(journal, { seq: 1, id: 'opened', prev: '', format: 1, at: 0, events: [] })
        }
      },
    ),
  ],
  [
    'cannot be closed twice',
    'it: open is undone by close, twice as well as once, and before any open',
    oneWriter(
      class extends OneWriter {
        override async close(journal: string): Promise<void> {
          if (!this.held.has(journal)) throw new CrewError('not_open', journal)
          await super.close(journal)
        }
      },
    ),
  ],
  [
    'takes appends of one client alone',
    'it: append lets every writer go on where another one stopped',
    (): Backend => {
      const storage = new Plain()
      class Shut extends Plain {
        override async append(): Promise<Appended> {
          return { appended: false }
        }
      }
      return { storage, rival: new Shut() }
    },
  ],
  [
    'has an empty checkpoint from the start',
    'it: checkpoints has none until one is saved',
    alone(
      class extends Checkpointing {
        override of(journal: string): Kept[] {
          if (!this.kept.has(journal)) this.kept.set(journal, [{ seq: 0, id: '', format: 1, texts: [] }])
          return super.of(journal)
        }
      },
    ),
  ],
  [
    'reads the first page of the parts of a checkpoint',
    'it: checkpoints keeps one without parts, and one with many',
    alone(
      class extends Checkpointing {
        override async *parts(texts: readonly string[]): AsyncGenerator<string> {
          yield* texts.slice(0, 100)
        }
      },
    ),
  ],
  [
    'has one place for parts and two for numbers',
    'it: checkpoints keeps the parts of both',
    alone(
      class extends Checkpointing {
        override async *parts(): AsyncGenerator<string> {
          yield* this.of('crew').at(-1)?.texts ?? []
        }
      },
    ),
  ],
  [
    'keeps checkpoints in the log',
    'it: checkpoints are no commits',
    alone(
      class extends Plain {
        override async saveCheckpoint(journal: string, checkpoint: Checkpoint): Promise<void> {
          await super.saveCheckpoint(journal, checkpoint)
          const { seq = 0, id: prev = '' } = (await this.all(journal)).at(-1) ?? {}
          await super.append(journal, { seq: seq + 1, id: 'checkpoint', prev, format: 1, at: 0, events: [] })
        }
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
]

describe('the contract of storages', () => {
  it.each([
    ['memory', alone(Plain)],
    ['memory with checkpoints done by hand', alone(Checkpointing)],
    ['memory for one writer', oneWriter(OneWriter)],
  ])('is kept by %s', async (_, open) => {
    expect(await broken(open)).toEqual([])
  })

  it.each(WRONG)('is broken by one that %s', async (_, sentence, open) => {
    expect(await broken(open)).toContain(sentence)
  })

  it('has no sentence that is never broken', () => {
    const sentences = casesFor(alone(Plain)).map(({ sentence }) => sentence)
    expect(new Set(WRONG.map(([, sentence]) => sentence))).toEqual(new Set(sentences))
  })
})
