import {
  type Attempt,
  type Commit,
  type Crew,
  CrewError,
  MemoryStorage,
  openCrew,
  type StoredEvent,
  type TaskDraft,
} from 'crewlog'
import {
  checkJournal,
  manualEnvironment,
  type ManualEnvironment,
  simulate,
  type SimulatedWork,
  type Simulation,
} from 'crewlog/testing'
import { stateOf } from '../crew-state.js'
import { ArchivedStorage } from './archived-storage.js'
import { Calls } from './calls.js'
import { draftOf, KINDS, type Kind, misfits, Rules } from './rules.js'
import type { Trial } from './trial.js'

const CALLERS = ['m1', 'm2', 'm3'] as const
const WORKERS = ['w1', 'w2', 'w3', 'w4'] as const
const PROCESSES = 3
const CREW = 'crew'

/** A crew in one process or left behind, and what it heard. */
interface Listener {
  readonly crew: Crew
  readonly from: number
  readonly events: string[]
  /** What it was not told, as it took its state up anew. */
  readonly gaps: { readonly from: number; readonly to: number }[]
}

/** Who is opened once, and then neither hears nor looks until the end. */
interface Left extends Listener {
  readonly environment: ManualEnvironment
}

/**
 * Simulates a crew with a policy, budgets and kinds, whose journal is trimmed under load, by a seed; throws at the first
 * promise that was broken.
 */
export async function ruledTrial(seed: number): Promise<Trial> {
  try {
    return await new Story(seed).play()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const again = `npm run simulate -- --world rules --seeds 1 --from ${String(seed)}`
    throw new Error(`Seed ${String(seed)} (${again}): ${why}`, { cause: error })
  }
}

class Story {
  readonly #seed: number
  readonly #rules: Rules
  readonly #calls: Calls
  /** One in four is long enough for what crewlog itself keeps behind checkpoints. */
  readonly #isLong: boolean
  readonly #storage: ArchivedStorage
  readonly #listeners: Listener[] = []
  readonly #left: Left[] = []
  /** Through which process an attempt is made. */
  readonly #makers = new WeakMap<Attempt, Crew>()
  readonly #counts = new Map<string, number>()
  readonly #wrong: string[] = []
  #marks = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#rules = new Rules(seed)
    this.#calls = new Calls(this.#rules)
    this.#isLong = seed % 8 === 0
    this.#storage = new ArchivedStorage(!this.#isLong)
  }

  async play(): Promise<Trial> {
    const has = (bit: number): boolean => ((Math.imul(this.#seed, 0x9e3779b1) >>> (8 + bit)) & 1) === 1
    const { report } = await simulate({
      seed: this.#seed,
      storage: this.#storage,
      faults: {
        crash: has(0) ? 10 : 0,
        stall: has(1) ? 40 : 0,
        suspend: has(2) ? 5 : 0,
        clockStep: has(3) ? 10 : 0,
        storage: has(4) ? 0.3 : 0.02,
        lostWake: has(5) ? 0.5 : 0,
        doubled: has(6) ? 0.5 : 0,
      },
      processes: PROCESSES,
      members: [
        ...CALLERS.map((id) => ({ id, works: false })),
        ...WORKERS.map((id, index) => ({ id, ...(index > 1 && { budget: { tokens: this.#isLong ? 60_000 : 6000 } }) })),
      ],
      tasks: (random) => this.#firstTasks(random),
      arrivalMs: { meanMs: '4s' },
      durationMs: { meanMs: '10s' },
      latencyMs: this.#seed % 3,
      crew: {
        policy: this.#rules.policy,
        kinds: KINDS,
        leaseMs: 5000 + (this.#seed % 4) * 15_000,
        checkpointEvery: has(7) ? 3 : 25,
        keepHistory: { ms: 0 },
        ...(has(8) && { retention: { keep: 10 } }),
        limits: { pairRate: 100_000 },
      },
      handler: (attempt, work) => this.#work(attempt, work),
      opened: (crew) => {
        this.#follow(crew)
      },
      meanwhile: (simulation) => this.#meanwhile(simulation),
      ended: (simulation) => this.#look(simulation),
    })
    if (this.#wrong.length > 0) throw new Error(this.#wrong.slice(0, 5).join('\n'))
    for (const [fault, times] of Object.entries(report.data.faults)) this.#count(fault, times)
    return { seed: this.#seed, counts: Object.fromEntries(this.#counts) }
  }

  #follow(crew: Crew): void {
    this.#listeners.push(listenTo(crew))
    const { tracker } = crew
    const claim = tracker.claim.bind(tracker)
    tracker.claim = async (...args: Parameters<typeof claim>) => {
      const attempt = await claim(...args)
      if (attempt) this.#makers.set(attempt, crew)
      return attempt
    }
  }

  *#firstTasks(random: () => number): Iterable<TaskDraft> {
    for (let n = 0; n < (this.#isLong ? 250 : 15); n++)
      yield {
        ...draftOf(oneOf<Kind>(random, ['article', 'slow', 'plain', undefined]), `task ${String(n)}`, true),
        ...(random() < 0.5 && { budget: { tokens: 500 + Math.floor(random() * 3000) } }),
        retry: { attempts: 2 },
      }
  }

  /** What a worker does with a task: it spends, and gives what fits or not. */
  async #work(attempt: Attempt, { durationMs, think, random }: SimulatedWork): Promise<unknown> {
    const parts = this.#isLong ? 4 : 2
    for (let part = 0; part < parts; part++) {
      await think(durationMs / parts)
      const spent = { tokens: Math.floor(random() * 500) }
      await this.#try(attempt, 'progress', (note) => attempt.progress({ note, usage: spent }))
    }
    const draw = random()
    const spent = { usage: { tokens: Math.floor(random() * 800) } }
    if (draw < 0.1) throw new Error('failed, as simulated')
    if (draw < 0.2) return this.#try(attempt, 'fail', (error) => attempt.fail({ error, ...spent }))
    if (draw < 0.3) return this.#try(attempt, 'release', (reason) => attempt.release({ reason }))
    const needsText = attempt.task.kind === 'article' || attempt.task.kind === 'slow'
    // What fits depends on the kind that the task has then.
    if (draw < 0.5) await this.#try(attempt, 'complete', (mark) => attempt.complete({ result: [mark], ...spent }))
    if (attempt.isOver) return undefined
    // The handler's own answer, which does not fit, is a failure.
    if (draw < 0.6 && needsText) return 'no'
    return this.#try(attempt, 'complete', (result) => attempt.complete({ result, ...spent }))
  }

  /** Goes on when that is forbidden or does not fit. */
  async #try(
    attempt: Attempt,
    command: 'progress' | 'complete' | 'fail' | 'release',
    run: (mark: string) => Promise<unknown>,
  ): Promise<void> {
    const crew = this.#makers.get(attempt) as Crew
    const mark = this.#mark()
    await this.#calls
      .make(crew, { member: attempt.member, command, mark }, () => run(mark))
      .catch((error: unknown) => {
        if (!CrewError.is(error, 'permission_denied') && !CrewError.is(error, 'invalid_input')) throw error
      })
  }

  async #meanwhile(simulation: Simulation): Promise<void> {
    const { random } = simulation
    const steps = this.#isLong ? 150 : 40
    for (let number = 0; number < steps; number++) {
      await simulation.wait(oneOf(random, this.#isLong ? [2000, 10_000, 20_000] : [0, 10, 700, 4000, 10_000]))
      const crew = simulation.crew(Math.floor(random() * PROCESSES))
      // What it rejects with is looked at in the end.
      if (crew) this.#command(crew, random)?.catch(() => undefined)
      if (number % (steps / 4) === 2) await this.#leaveBehind(simulation)
    }
    await simulation.wait(oneOf(random, ['1s', '20s', '90s']))
    simulation.end()
  }

  #command(crew: Crew, random: () => number): Promise<unknown> | undefined {
    const { tracker, communications } = crew
    const by = oneOf(random, CALLERS)
    const tasks = tracker.list()
    const task = tasks[Math.floor(random() * tasks.length)]
    const [failed] = tracker.list({ status: 'failed' })
    const mark = this.#mark()
    const kind = oneOf<Kind>(random, ['article', 'slow', 'plain', undefined])
    const isFit = random() < 0.7
    const needsInput = kind === 'article' || kind === 'slow'
    const called = (command: 'create' | 'update' | 'cancel' | 'comment' | 'send' | 'publish', fit?: boolean) => ({
      member: by,
      command,
      mark,
      ...(fit !== undefined && { isFit: fit }),
    })
    const id = task?.id ?? ''
    const budget = { tokens: 100 + Math.floor(random() * 4000) }
    const recipient = oneOf(random, [...CALLERS, ...WORKERS])
    const make = <T>(what: ReturnType<typeof called>, run: () => Promise<T>): Promise<T> =>
      this.#calls.make(crew, what, run)
    // Of what its kind does not take, its description is the mark.
    const draft = { ...draftOf(kind, mark, isFit), budget }
    const input = isFit ? { title: ` ${mark} ` } : { title: null }
    return oneOf<() => Promise<unknown> | undefined>(random, [
      () => make(called('create', isFit || !needsInput), () => tracker.create(draft as TaskDraft, { by })),
      () => make(called('create', false), () => tracker.create({ description: mark, kind: 'poem' }, { by })),
      () => task && make(called('update'), () => tracker.update(id, { metadata: { mark }, budget }, { by })),
      () =>
        task &&
        make(called('update', isFit || !needsInput), () =>
          tracker.update(id, { metadata: { mark }, kind: kind ?? 'plain', ...(needsInput && { input }) }, { by }),
        ),
      () => task && make(called('cancel'), () => tracker.cancel(id, { by, reason: mark })),
      () => task && make(called('comment'), () => tracker.comment(id, mark, { by })),
      () => make(called('send'), () => communications.send({ sender: by, recipient, content: mark })),
      () => make(called('publish'), () => communications.publish('news', { sender: by, content: mark })),
      () => task && tracker.retry(id),
      () => this.#changeKind(crew),
      () => failed && tracker.retry(failed.id),
    ])()
  }

  /** A task gets another kind while it is completed with what only its first kind lets in. */
  #changeKind(crew: Crew): Promise<unknown> | undefined {
    const { tracker } = crew
    const task = tracker.list({ status: 'in_progress' }).find(({ kind }) => kind === undefined || kind === 'plain')
    if (!task) return undefined
    const mark = this.#mark()
    const changed = tracker.update(task.id, { kind: 'article', input: { title: mark } })
    // By the program, whom no policy is asked about; no attempt ends so that the member had begun.
    const called = { member: 'the program', command: 'complete', mark } as const
    const completed = this.#calls.make(crew, called, () => tracker.complete(task.id, { result: [mark] }))
    return Promise.allSettled([changed, completed])
  }

  /** Opens the crew for somebody who then sees and hears nothing until the end. */
  async #leaveBehind(simulation: Simulation): Promise<void> {
    const manual = manualEnvironment({ seed: this.#seed, now: this.#now(simulation) })
    const prefix = `left-${String(this.#left.length)}-`
    const environment = { ...manual, id: () => prefix + manual.id() }
    const crew = await openCrew({
      storage: this.#storage.withoutNews,
      name: CREW,
      environment,
      policy: this.#rules.policy,
      kinds: KINDS,
      onError: () => undefined,
    })
    this.#left.push({ ...listenTo(crew), environment })
  }

  /** When all is well again: what everybody shows and heard, against the whole journal. */
  async #look(simulation: Simulation): Promise<void> {
    const crews = Array.from({ length: PROCESSES }, (_, place) => simulation.crew(place)).flatMap((crew) => crew ?? [])
    if (crews.length < PROCESSES) this.#wrong.push('A process did not come back')
    for (let tries = 0; tries < 20 && this.#calls.waiting(crews).length > 0; tries++) await simulation.wait(30_000)
    for (const name of this.#calls.waiting(crews)) this.#wrong.push(`${name} has no answer`)
    const trimmedTo = await this.#storage.trimmedTo(CREW)
    for (const left of this.#left) await this.#comeBack(left, trimmedTo)
    const commits = await this.#settle(simulation, crews)
    const now = this.#now(simulation)
    const whole = await this.#stateIn(this.#storage.archive, now)
    if ((await this.#stateIn(this.#storage, now)) !== whole)
      this.#wrong.push('Who opens the trimmed journal sees another state')
    for (const crew of crews) if (stateText(crew) !== whole) this.#wrong.push('A process shows what is not stored')
    for (const { crew, environment } of this.#left) {
      environment.setWallClock(now)
      await crew.sync()
      if (stateText(crew) !== whole) this.#wrong.push('Who was left behind shows what is not stored')
    }
    for (const storage of [this.#storage.archive, this.#storage])
      for (const promise of await checkJournal(storage, CREW)) this.#wrong.push(JSON.stringify(promise))
    await this.#readOn(crews[0], commits)
    this.#check(commits)
  }

  /** Its first command meets a journal that has gone on without it, and that may be trimmed beyond what it knows. */
  async #comeBack({ crew, gaps, from }: Left, trimmedTo: number): Promise<void> {
    const mark = this.#mark()
    const called = { member: 'm1', command: 'send', mark } as const
    const send = () => crew.communications.send({ sender: 'm1', recipient: 'm2', content: mark })
    await this.#calls.make(crew, called, send).catch(() => undefined)
    await crew.sync()
    this.#count('left behind')
    if (trimmedTo > from && gaps.length === 0) this.#wrong.push('Who was left behind a trim was not told of it')
    this.#count('resynced', gaps.length)
  }

  /** All have folded the same; answers the whole journal. */
  async #settle(simulation: Simulation, crews: readonly Crew[]): Promise<readonly Commit[]> {
    let commits: readonly Commit[] = []
    // A renewal may come in between.
    for (let tries = 0; tries < 10 && crews.some(({ journal }) => journal.head?.seq !== commits.length); tries++) {
      await Promise.all(crews.map((crew) => crew.sync()))
      const run = await this.#storage.archive.read(CREW, 0, Infinity)
      commits = 'commits' in run ? run.commits : []
    }
    if (crews.some(({ journal }) => journal.head?.seq !== commits.length))
      this.#wrong.push('A process does not keep up')
    this.#count('commits', commits.length)
    return commits
  }

  async #stateIn(storage: MemoryStorage, now: number): Promise<string> {
    const environment = manualEnvironment({ now })
    const crew = await openCrew({ storage, name: CREW, environment, policy: this.#rules.policy, kinds: KINDS })
    return stateText(crew)
  }

  /** Events are there from the last that was trimmed on, and what came before is said to be gone. */
  async #readOn(crew: Crew | undefined, commits: readonly Commit[]): Promise<void> {
    if (!crew) return
    const trimmedTo = await this.#storage.trimmedTo(CREW)
    const should = tell(commits.filter(({ seq }) => seq > trimmedTo))
    const read: string[] = []
    if (should.length > 0)
      for await (const event of crew.events({ after: trimmedTo })) {
        read.push(named(event))
        if (read.length === should.length) break
      }
    if (read.join() !== should.join()) this.#wrong.push('A cursor reads what is not stored')
    const first = crew.events({ after: 0 })[Symbol.asyncIterator]().next()
    const code = await first.then(
      () => 'read',
      (error: unknown) => (CrewError.is(error) ? error.code : String(error)),
    )
    if (code !== (trimmedTo > 0 ? 'cursor_expired' : 'read')) this.#wrong.push(`A cursor behind a trim: ${code}`)
  }

  #check(commits: readonly Commit[]): void {
    const events = commits.flatMap((commit) => commit.events)
    this.#wrong.push(...misfits(commits), ...this.#calls.wrong(events))
    for (const listener of [...this.#listeners, ...this.#left]) {
      const heard = tell(commits.filter(({ seq }) => isHeard(listener, seq)))
      // One that died heard less.
      if (listener.events.some((event, index) => event !== heard[index] && index < heard.length))
        this.#wrong.push('A process heard what is not stored')
      this.#count('resynced while it worked', this.#left.includes(listener as Left) ? 0 : listener.gaps.length)
    }
    for (const [answer, times] of this.#calls.answers) this.#count(`answered ${answer}`, times)
    this.#count('trim', this.#storage.trims)
    const spent = events.filter(({ type }) => type === 'member.budgetSpent').length
    this.#count('budget of a member spent', spent)
  }

  #now(simulation: Simulation): number {
    return simulation.crew()?.journal.environment.now() ?? 0
  }

  #mark(): string {
    return `mark ${String(++this.#marks)}`
  }

  #count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times)
  }
}

function listenTo(crew: Crew): Listener {
  const listener: Listener = { crew, from: crew.journal.head?.seq ?? 0, events: [], gaps: [] }
  crew.on('*', (event) => listener.events.push(named(event)))
  crew.on('resynced', (gap) => listener.gaps.push(gap))
  return listener
}

const isHeard = ({ from, gaps }: Listener, seq: number): boolean =>
  seq > from && !gaps.some((gap) => seq >= gap.from && seq <= gap.to)

const named = ({ seq, type, id }: Pick<StoredEvent, 'seq' | 'type' | 'id'>): string => `${String(seq)} ${type} ${id}`

const tell = (commits: readonly Commit[]): readonly string[] =>
  commits.flatMap(({ seq, events }) => events.map(({ type, id }) => named({ seq, type, id })))

const stateText = (crew: Crew): string => JSON.stringify(stateOf(crew))

const oneOf = <T>(random: () => number, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
