import {
  aFunction,
  anyFields,
  flag,
  type Id,
  id,
  many,
  number,
  object,
  read,
  type Reader,
  whole,
} from '../core/input.js'
import type { Attempt } from '../core/tasks/attempt.js'
import { storagePort } from '../core/journal/storage-client.js'
import type { JournalStorage } from '../core/journal/journal-storage.js'
import type { MemberInfo, MemberOptions } from '../core/members.js'
import type { TaskDraft } from '../core/tasks/task-input.js'
import type { Task } from '../core/tasks/task.js'
import type { Crew } from '../crew/crew.js'
import type { CrewOptions } from '../crew/crew-options.js'
import { type Span, span } from './span.js'

/** Always the same; exponential with this mean; uniform between two bounds; or as the function says. */
export type Duration<Of> =
  | Span
  | { readonly meanMs: Span }
  | { readonly fromMs: Span; readonly toMs: Span }
  | ((random: () => number, of: Of) => Span)

export interface SimulatedMember extends MemberOptions {
  readonly id: Id
  /** How many times as fast as others; default 1. */
  readonly speed?: number
  /** Whether it takes tasks; default true. One that does not reads its mail and answers. */
  readonly works?: boolean
}

/** What members do beside completing tasks, as shares of their attempts; default 0. */
export interface Behaviour {
  /** Attempts that fail. */
  readonly fail?: number
  /** Attempts that take ten times as long. */
  readonly stall?: number
  /** Attempts that ask another member, who thinks and answers. */
  readonly ask?: number
}

/** What goes wrong. Of processes: how often an hour in each. */
export interface Faults {
  /** It dies, and comes back after a minute or so. */
  readonly crash?: number
  /** Nothing in it runs for about a lease; its clocks go on. */
  readonly stall?: number
  /** Its machine sleeps for about ten minutes. */
  readonly suspend?: number
  /** Its wall clock is set an hour forwards or back. */
  readonly clockStep?: number
  /** Share of calls of the storage that fail, are slow, hang, come late, or are done though they seem to have failed. */
  readonly storage?: number
  /** Share of appends before which the storage loses its newest commits. */
  readonly regress?: number
  /** Share of wake-ups that are lost. */
  readonly lostWake?: number
  /** Share of members that work in two processes at once. */
  readonly doubled?: number
}

/** How a member does a task. */
export interface SimulatedWork {
  readonly member: MemberInfo
  /** How long it takes, by `durationMs` and the member's speed. */
  readonly durationMs: number
  /** Of this attempt: the same for the same seed, task and number of the attempt, whoever makes it. */
  readonly random: () => number
  /** Passes time; rejects when the attempt is to stop. */
  readonly think: (span: Span) => Promise<void>
}

/** A simulation under way. */
export interface Simulation {
  readonly processes: number
  readonly random: () => number
  /** How often what went wrong so far. */
  readonly faults: Readonly<Record<string, number>>
  /** Milliseconds since its beginning. */
  readonly elapsedMs: number
  wait(span: Span): Promise<void>
  /** The crew as that process has it open; undefined while the process is down or stopped. Default: any that runs. */
  crew(process?: number): Crew | undefined
  /** Ends it though tasks are open. */
  end(): void
}

/** What is simulated. */
export interface SimulationOptions {
  /** Decides all chance; default 1. */
  readonly seed?: number
  /** How many, or who; default 5. */
  readonly members?: number | readonly SimulatedMember[]
  /** How many, which, or made by chance; default 50. */
  readonly tasks?: number | readonly TaskDraft[] | ((random: () => number) => Iterable<TaskDraft>)
  /** Between a task and the next one; default 0: all are there at the beginning. */
  readonly arrivalMs?: Duration<undefined>
  /** Of an attempt; default `{ meanMs: 60_000 }`. */
  readonly durationMs?: Duration<{ readonly task: Task; readonly member: MemberInfo }>
  /** Over how many processes the members are spread; default 1. */
  readonly processes?: number
  readonly behaviour?: Behaviour
  /** Default none; `true`: all but `regress`, each a little. */
  readonly faults?: boolean | Faults
  /** About how long a call of the storage takes on the way, and its answer on the way back; default 1. */
  readonly latencyMs?: Span
  /** Who gets a task that has become ready; undefined leaves it open to all. Decided in the first process. */
  readonly assign?: (task: Task, crew: Crew) => Id | readonly Id[] | undefined
  /** Instead of thinking for so long and completing. */
  readonly handler?: (attempt: Attempt, work: SimulatedWork) => unknown
  /** For many writers; no time passes while it is at work. Default: a new one in memory. */
  readonly storage?: JournalStorage
  readonly crew?: Omit<CrewOptions, 'name' | 'storage' | 'environment' | 'onError'>
  /** Ends the simulation though tasks are open; default 30 days. */
  readonly limitMs?: Span
  /** Called each time a process has opened the crew. */
  readonly opened?: (crew: Crew, process: number) => void
  /** What else happens; the simulation ends after it. */
  readonly meanwhile?: (simulation: Simulation) => Promise<void>
  /** Called when it is over, nothing goes wrong any more and all processes are back: to look at what each of them shows. */
  readonly ended?: (simulation: Simulation) => Promise<void>
}

/** A task of a simulation; it has an id, so that it is known again when its creation had no answer. */
export type NamedDraft = TaskDraft & { readonly id: Id }

/** The options once read, with what was left out. */
export interface Plan {
  readonly seed: number
  readonly members: readonly Required<Pick<SimulatedMember, 'id' | 'speed' | 'works'>>[]
  readonly joining: ReadonlyMap<Id, MemberOptions>
  readonly tasks: (random: () => number) => Iterable<TaskDraft>
  readonly arrivalMs: (random: () => number) => number
  readonly durationMs: (random: () => number, of: { readonly task: Task; readonly member: MemberInfo }) => number
  readonly processes: number
  readonly behaviour: Required<Behaviour>
  readonly faults: Required<Faults>
  readonly latencyMs: number
  readonly limitMs: number
}

const NO_FAULTS: Required<Faults> = {
  crash: 0,
  stall: 0,
  suspend: 0,
  clockStep: 0,
  storage: 0,
  regress: 0,
  lostWake: 0,
  doubled: 0,
}
const SOME_FAULTS: Required<Faults> = {
  crash: 1,
  stall: 1,
  suspend: 0.5,
  clockStep: 0.5,
  storage: 0.05,
  regress: 0,
  lostWake: 0.1,
  doubled: 0.1,
}

const share = number(0, 1)
const rate = number(0, 100_000)
const faultFields = object({
  crash: rate,
  stall: rate,
  suspend: rate,
  clockStep: rate,
  storage: share,
  regress: share,
  lostWake: share,
  doubled: share,
})
const faults: Reader<Required<Faults>> = (value, name, limits) =>
  typeof value === 'boolean' ? (value ? SOME_FAULTS : NO_FAULTS) : { ...NO_FAULTS, ...faultFields(value, name, limits) }

const mean = object({ meanMs: span }, ['meanMs'])
const bounds = object({ fromMs: span, toMs: span }, ['fromMs', 'toMs'])

/** A function of chance that answers milliseconds. */
const durationOf: Reader<(random: () => number, of: never) => number> = (value, name, limits) => {
  if (typeof value === 'function') {
    const draw = value as (random: () => number, of: never) => unknown
    return (random, of) => span(draw(random, of), `what ${name} answers`, limits)
  }
  if (typeof value === 'number' || typeof value === 'string') {
    const ms = span(value, name, limits)
    return () => ms
  }
  const fields = anyFields(value, name, limits)
  if ('meanMs' in fields) {
    const { meanMs } = mean(value, name, limits)
    return (random) => -Math.log(1 - random()) * meanMs
  }
  const { fromMs, toMs } = bounds(value, name, limits)
  return (random) => fromMs + random() * (toMs - fromMs)
}

const count = whole(1, 1_000_000)
const aMember = (value: unknown, name: string, limits: never): SimulatedMember => {
  const { id: anId, speed = 1, works = true, ...joining } = anyFields(value, name, limits)
  return {
    ...joining,
    id: id(anId, `${name}.id`, limits),
    speed: number(0.001)(speed, `${name}.speed`, limits),
    works: flag(works, `${name}.works`, limits),
  }
}
const members: Reader<readonly SimulatedMember[]> = (value, name, limits) =>
  typeof value === 'number'
    ? Array.from({ length: count(value, name, limits) }, (_, index) => ({ id: `member-${index + 1}` }))
    : many(aMember as Reader<SimulatedMember>)(value, name, limits)

const tasks: Reader<Plan['tasks']> = (value, name, limits) => {
  if (typeof value === 'function') return value as Plan['tasks']
  if (typeof value === 'number') {
    const length = whole(0, 10_000_000)(value, name, limits)
    return () => Array.from({ length }, (_, index) => ({ description: `Task ${index + 1}` }))
  }
  const drafts = many(anyFields)(value, name, limits) as readonly unknown[] as readonly TaskDraft[]
  return () => drafts
}

const fields = object({
  seed: number(),
  members,
  tasks,
  arrivalMs: durationOf,
  durationMs: durationOf,
  processes: whole(1, 1000),
  behaviour: object({ fail: share, stall: share, ask: share }),
  faults,
  latencyMs: span,
  assign: aFunction(),
  handler: aFunction(),
  storage: storagePort,
  crew: anyFields,
  limitMs: span,
  opened: aFunction(),
  meanwhile: aFunction(),
  ended: aFunction(),
  check: aFunction(),
})

/** Reads the options; what crews, members and drafts may be is checked by the crew. */
export function planOf(options: SimulationOptions): Plan {
  const given = read(fields, options, 'options')
  const crowd = given.members ?? read(members, 5, 'members')
  const exponential = read(durationOf, { meanMs: 60_000 }, 'durationMs')
  return {
    seed: given.seed ?? 1,
    members: crowd.map((member) => ({ id: member.id, speed: member.speed ?? 1, works: member.works ?? true })),
    joining: new Map(crowd.map(({ id: anId, speed: _speed, works: _works, ...joining }) => [anId, joining])),
    tasks: given.tasks ?? read(tasks, 50, 'tasks'),
    arrivalMs: (given.arrivalMs ?? (() => 0)) as Plan['arrivalMs'],
    durationMs: (given.durationMs ?? exponential) as Plan['durationMs'],
    processes: given.processes ?? 1,
    behaviour: { fail: 0, stall: 0, ask: 0, ...given.behaviour },
    faults: given.faults ?? NO_FAULTS,
    latencyMs: given.latencyMs ?? 1,
    limitMs: given.limitMs ?? 30 * 86_400_000,
  }
}
