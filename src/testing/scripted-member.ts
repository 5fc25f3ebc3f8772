import type { Attempt } from '../core/tasks/attempt.js'
import { pause } from '../core/environment.js'
import { CrewError, invalid } from '../core/errors.js'
import { anyFields, either, flag, type Id, many, object, read, type Reader, text } from '../core/input.js'
import type { Json } from '../core/json.js'
import type { MemberOptions } from '../core/members.js'
import type { Message } from '../core/messages/message.js'
import { Crew } from '../crew/crew.js'
import type { Member } from '../crew/member.js'
import type { Running } from '../crew/stopper.js'
import { Rounds } from './rounds.js'
import { type Scene, type Step, stepOf } from './script-steps.js'
import { milliseconds, type Span } from './span.js'

/** Steps, and functions as steps. What ends an attempt ends its part of the script; the last part is played again and again. */
export type Script = readonly (Step | ((attempt: Attempt, member: Member) => unknown))[]

export interface ScriptedMemberOptions extends MemberOptions {
  /** For every task, or for each kind of task; `'*'` for all other kinds. Each task begins it anew. Default: takes no task. */
  readonly script?: Script | { readonly [kind: string]: Script }
  /** What it is asked, and what it answers; `'*'` for all else. What it does not know stays unanswered. */
  readonly answers?: { readonly [question: string]: Json } | ((question: string, message: Message) => Json | undefined)
  /** Its verdicts on each task that it reviews, the last again and again: true passes, a text sends back with that remark. */
  readonly reviews?: readonly (boolean | string)[]
  /** How long it thinks about an answer or a verdict; default: not at all. */
  readonly answersAfter?: Span
  /** For `dies('2m')`: how its process opens the crew again. */
  readonly reopen?: () => Promise<Crew>
}

/** A member that acts by a script. */
export interface ScriptedMember {
  readonly id: Id
  /** Of the crew that it has open now. */
  readonly member: Member
  /** What it did, in order: `'tides: takes 5s'`. */
  readonly log: readonly string[]
  /** Takes nothing more; resolves when what is under way has ended. */
  stop(): Promise<void>
}

/**
 * Joins a member that acts by a script: an agent for tests. It takes time by the crew's environment, so that
 * `environment.advance('1m')` plays it, and does the same each time.
 */
export async function scriptedMember(crew: Crew, id: Id, options: ScriptedMemberOptions = {}): Promise<ScriptedMember> {
  const {
    script = {},
    answers,
    reviews = [],
    answersAfter = 0,
    reopen,
    ...about
  } = read(roleOptions, options, 'options') as ScriptedMemberOptions
  const parts = read(scripts, script, 'script')
  if (!reopen && [...parts.values()].flat(2).some(({ comesBack }) => comesBack))
    throw invalid('To come back after dies(span), a member needs { reopen: () => openCrew(…) }')
  const role = new Role(id, parts, {
    answers,
    reviews,
    afterMs: milliseconds(answersAfter, 'options.answersAfter'),
    reopen,
  })
  await role.enter(read(aCrew, crew, 'crew'), about)
  return role
}

const aCrew: Reader<Crew> = (value) => {
  if (value instanceof Crew) return value as Crew
  throw invalid('scriptedMember takes what openCrew answered')
}

/** Checked by what reads it next. */
const asGiven: Reader<unknown> = (value) => value
/** Its own, and what joining takes, which checks it. */
const roleOptions = object({
  script: asGiven,
  answers: asGiven,
  reviews: many(either((value) => typeof value === 'string', text, flag)),
  answersAfter: asGiven,
  reopen: asGiven,
  kind: asGiven,
  skills: asGiven,
  capacity: asGiven,
  available: asGiven,
  budget: asGiven,
})

type Parts = ReadonlyMap<string, readonly (readonly Step[])[]>

/** Kind of task → what is done in its first attempt, its second, and so on. */
const scripts: Reader<Parts> = (value, name, limits) => {
  const table = Array.isArray(value) ? { '*': value as unknown } : anyFields(value, name, limits)
  return new Map(
    Object.entries(table).map(([kind, given]) => {
      const which = kind === '*' ? name : `${name}.${kind}`
      const parts = partsOf(many(stepOf)(given, which, limits))
      if (!parts.at(-1)?.some(({ isLast, mayEnd }) => isLast || mayEnd))
        throw invalid(
          `${which} ends without an outcome: add completes(…), fails(…), releases(…), asks(…), stalls() or dies()`,
        )
      return [kind, parts]
    }),
  )
}

function partsOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const parts: Step[][] = [[]]
  for (const [index, step] of steps.entries()) {
    parts.at(-1)?.push(step)
    if (step.isLast && index + 1 < steps.length) parts.push([])
  }
  return parts
}

interface Manner {
  readonly answers: ScriptedMemberOptions['answers'] | undefined
  readonly reopen: ScriptedMemberOptions['reopen'] | undefined
  readonly reviews: readonly (boolean | string)[]
  readonly afterMs: number
}

/** Who acts by a script in which crew. */
const cast = new WeakMap<Crew, Set<Id>>()

class Role implements ScriptedMember {
  readonly id: Id
  readonly log: string[] = []
  readonly #parts: Parts
  readonly #manner: Manner
  /** Attempts at, and verdicts on, each task so far. */
  readonly #tries = new Map<Id, number>()
  readonly #verdicts = new Map<Id, number>()
  #crew: Crew | undefined
  #member: Member | undefined
  #running: readonly Running[] = []

  constructor(id: Id, parts: Parts, manner: Manner) {
    this.id = id
    this.#parts = parts
    this.#manner = manner
  }

  get member(): Member {
    if (!this.#member) throw new CrewError('not_open', `${this.id} is not there`)
    return this.#member
  }

  async stop(): Promise<void> {
    if (this.#crew) cast.get(this.#crew)?.delete(this.id)
    await Promise.all(this.#running.map((running) => running.stop()))
  }

  async enter(crew: Crew, about: MemberOptions): Promise<void> {
    const acting = cast.get(crew) ?? new Set()
    cast.set(crew, acting)
    if (acting.has(this.id))
      throw new CrewError(
        'already_exists',
        `${this.id} acts by a script already; stop() it, or write one script for all`,
      )
    acting.add(this.id)
    this.#crew = crew
    this.#member = await crew.join(this.id, about)
    const { answers, reviews } = this.#manner
    const kinds = [...this.#parts.keys()]
    const handler = (attempt: Attempt): Promise<void> => this.#play(attempt)
    const running: Running[] = []
    if (kinds.includes('*')) running.push(this.member.work(handler))
    else if (kinds.length > 0) running.push(this.member.work(Object.fromEntries(kinds.map((kind) => [kind, handler]))))
    if (answers ?? reviews.length > 0) running.push(this.member.listen((message) => this.#hear(message)))
    this.#running = running
  }

  async #play(attempt: Attempt): Promise<void> {
    const { id, kind = '*' } = attempt.task
    const parts = this.#parts.get(kind) ?? this.#parts.get('*') ?? []
    const tries = this.#tries.get(id) ?? 0
    this.#tries.set(id, tries + 1)
    const scene: Scene = {
      attempt,
      member: this.member,
      environment: this.#environment,
      die: (ms) => {
        this.#die(ms).catch((this.#crew as Crew).journal.onError)
      },
    }
    for (const step of parts[Math.min(tries, parts.length - 1)] ?? []) {
      this.log.push(`${id}: ${step.does}`)
      this.#act(id, step.does)
      try {
        await step.play(scene)
      } catch (error) {
        // What passes the budget is kept, and ends the attempt.
        if (!CrewError.is(error, 'budget_spent')) throw error
      }
      if (attempt.isOver) return
    }
  }

  async #hear(message: Message): Promise<void> {
    const { kind, taskId, content, answerBy } = message
    const question = typeof content === 'string' ? content : JSON.stringify(content)
    if (kind === 'task.review' && taskId !== undefined) await this.#review(taskId)
    else if (kind === 'task.question' && taskId !== undefined)
      await this.#answer(question, message, (answer) => this.member.answer(taskId, answer))
    else if (answerBy !== undefined)
      await this.#answer(question, message, (answer) => this.member.reply(message, answer))
  }

  async #review(taskId: Id): Promise<void> {
    const { reviews } = this.#manner
    const count = this.#verdicts.get(taskId) ?? 0
    const verdict = reviews[Math.min(count, reviews.length - 1)]
    if (verdict === undefined) return
    this.#verdicts.set(taskId, count + 1)
    await this.#think()
    const does = verdict === true ? 'passes' : 'sends back'
    this.log.push(`${taskId}: ${does}`)
    this.#act(taskId, does)
    await this.member.review(taskId, {
      passed: verdict === true,
      ...(typeof verdict === 'string' && { remarks: verdict }),
    })
  }

  async #answer(question: string, message: Message, give: (answer: Json) => Promise<unknown>): Promise<void> {
    const { answers } = this.#manner
    const answer =
      typeof answers === 'function'
        ? answers(question, message)
        : Object.hasOwn(answers ?? {}, question)
          ? answers?.[question]
          : answers?.['*']
    if (answer === undefined) return
    await this.#think()
    this.log.push(`${message.taskId ?? message.sender}: answers ${question}`)
    this.#act(message.taskId ?? message.sender, `answers ${question}`)
    await give(answer)
  }

  #act(about: Id, does: string): void {
    Rounds.of(this.#environment)?.act(about, `${this.id} ${does}`)
  }

  async #think(): Promise<void> {
    const { afterMs } = this.#manner
    if (afterMs > 0) await pause(this.#environment, afterMs)
  }

  /** By its journal, as nothing else of the crew is waited for. */
  async #die(backAfterMs: number | undefined): Promise<void> {
    const { reopen } = this.#manner
    const environment = this.#environment
    const remedy =
      backAfterMs === undefined
        ? "go on with another crew of the same storage; dies('5m') comes back by itself, with { reopen }"
        : `it comes back ${backAfterMs} ms after its death; meanwhile ask another crew of the same storage`
    const { journal } = this.#crew as Crew
    journal.remedy = `its process died with ${this.id}: ${remedy}`
    void journal.crash().catch(() => undefined)
    this.#running = []
    if (backAfterMs === undefined || !reopen) return
    await pause(environment, backAfterMs)
    const crew = await reopen()
    if (!crew.members.some(({ id }) => id === this.id))
      throw invalid(`${this.id} cannot come back: reopen opened another journal; open both with one { storage, name }`)
    this.log.push('comes back')
    await this.enter(crew, {})
  }

  get #environment(): Scene['environment'] {
    return (this.#crew as Crew).journal.environment
  }
}
