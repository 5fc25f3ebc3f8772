import { invalid } from '../core/errors.js'
import { expectName } from '../core/events.js'
import { read, withMethods } from '../core/input.js'
import { TASK_EVENTS, type TrackerEvents } from '../core/tasks/task-events.js'
import type { StoredEvent } from '../core/journal/journal-log.js'
import type { Crew } from '../crew/crew.js'
import { CREW_EVENTS, type CrewEvents } from '../crew/crew-news.js'
import { choice } from './choice.js'

/** An event of a crew by its full name or, of tasks, its short one; `'*'` is all that is stored. */
export type EventName = Exclude<keyof CrewEvents, 'error'> | Exclude<keyof TrackerEvents, 'error'>

/** The full name; refuses one that no crew tells. */
export function eventNamed(name: unknown): string {
  expectName(name, NAMES)
  return name.includes('.') || Object.hasOwn(CREW_EVENTS, name) ? name : `task.${name}`
}

/** The full name of an event that the journal keeps; what is of one process only is not among `all`. */
export function storedEventNamed(name: unknown): string {
  const full = eventNamed(name)
  if (LOCAL.has(full))
    throw invalid(
      `${full} is not in the journal, so that it has no place among what happened; use of('${String(name)}')`,
    )
  return full
}

const LOCAL: ReadonlySet<string> = new Set(['*', 'resynced', 'diverged', 'task.ready', 'task.overdue'])
const kinds = choice('task', 'message', 'member', 'session')
const NAMES = { ...CREW_EVENTS, ...TASK_EVENTS }

/** What a crew told since the recording began, in order. */
export interface RecordedEvents {
  /** As the journal keeps them. */
  readonly all: readonly StoredEvent[]
  /** The payloads of one event, by its full name or, for tasks, its short one: `of('completed')`. */
  of<K extends EventName>(name: K): readonly Payload<K>[]
  /** The names in order; of one kind, without it: `types('task')` is ['created', 'started', …]. */
  types(kind?: 'task' | 'message' | 'member' | 'session'): readonly string[]
  /** Forgets what was recorded so far. */
  clear(): void
  /** Ends the recording. */
  stop(): void
}

type Payload<K> = K extends keyof TrackerEvents
  ? TrackerEvents[K][0]
  : K extends keyof CrewEvents
    ? CrewEvents[K][0]
    : never

/** Records what a crew tells from now on. */
export function recordEvents(crew: Crew): RecordedEvents {
  read(withMethods<Crew>('on', 'join'), crew, 'crew')
  const all: StoredEvent[] = []
  const heard: { readonly name: string; readonly payload: unknown }[] = []
  const listen = (name: string): (() => void) =>
    crew.on(name as 'task.created', (payload) => heard.push({ name, payload }))
  const offs = [
    crew.on('*', (event) => all.push(event)),
    ...Object.keys(CREW_EVENTS)
      .filter((name) => name !== '*')
      .map(listen),
  ]
  return {
    all,
    of: (name: string) => {
      const full = eventNamed(name)
      if (full === '*') return [...all] as never
      return heard.filter((event) => event.name === full).map(({ payload }) => payload) as never
    },
    types: (kind) => {
      if (kind !== undefined) read(kinds, kind, 'kind')
      return all
        .map(({ type }) => type)
        .filter((type) => kind === undefined || type.startsWith(`${kind}.`))
        .map((type) => (kind === undefined ? type : type.slice(kind.length + 1)))
    },
    clear() {
      all.length = heard.length = 0
    },
    stop() {
      for (const off of offs) off()
    },
  }
}
