import { type Appended, type Checkpoint, type Commit, MemoryStorage, type Off } from 'crewlog'

/** A storage whose journal is trimmed early and often, beside an archive that keeps every commit. */
export class ArchivedStorage extends MemoryStorage {
  /** The whole journal. */
  readonly archive = new MemoryStorage()
  /** Whether it forgets what is older than its older checkpoint, as its operator may tell it to. */
  readonly #isEager: boolean
  #trims = 0

  constructor(isEager: boolean) {
    super()
    this.#isEager = isEager
  }

  /** How often commits were forgotten. */
  get trims(): number {
    return this.#trims
  }

  override async append(journal: string, commit: Commit): Promise<Appended> {
    const answer = await super.append(journal, commit)
    if (answer.appended) await this.archive.append(journal, commit)
    return answer
  }

  override async saveCheckpoint(journal: string, checkpoint: Checkpoint): Promise<void> {
    await super.saveCheckpoint(journal, checkpoint)
    const newest = await this.loadCheckpoint(journal)
    const older = newest && (await this.loadCheckpoint(journal, newest.seq))
    if (older && this.#isEager) await this.trim(journal, older.seq)
  }

  override async trim(journal: string, through: number): Promise<void> {
    const before = await this.trimmedTo(journal)
    await super.trim(journal, through)
    if ((await this.trimmedTo(journal)) > before) this.#trims++
  }

  /** The last commit that is gone. */
  async trimmedTo(journal: string): Promise<number> {
    const run = await this.read(journal, 0, 1)
    return 'trimmedTo' in run ? run.trimmedTo : 0
  }

  /** The same storage for somebody whom no news reaches. */
  get withoutNews(): MemoryStorage {
    const view = Object.create(this) as ArchivedStorage & {
      watch: ((journal: string, wake: () => void) => Off) | undefined
    }
    for (const method of ['append', 'read', 'saveCheckpoint', 'loadCheckpoint', 'trim'] as const)
      Object.defineProperty(view, method, { value: this[method].bind(this) })
    Object.defineProperty(view, 'watch', { value: undefined })
    return view
  }
}
