import { invalid } from '../core/errors.js'
import { read, withMethods } from '../core/input.js'
import type { TrackerEvents } from '../core/task-news.js'
import type { StoredEvent } from '../core/journal-log.js'
import type { Crew } from '../crew/crew.js'
import { CREW_EVENTS, type CrewEvents } from '../crew/crew-news.js'

/** What a crew told since the recording began, in order. */
export interface RecordedEvents {
  /** As the journal keeps them. */
  readonly all: readonly StoredEvent[]
  /** The payloads of one event, by its full name or, for tasks, its short one: `of('completed')`. */
  of<K extends Exclude<keyof CrewEvents, 'error'> | keyof TrackerEvents>(name: K): readonly Payload<K>[]
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
      if (typeof name !== 'string') throw invalid('An event is named by a text')
      if (name === '*') return [...all] as never
      const full = name.includes('.') ? name : `task.${name}`
      return heard.filter((event) => event.name === full).map(({ payload }) => payload) as never
    },
    types: (kind) =>
      all
        .map(({ type }) => type)
        .filter((type) => kind === undefined || type.startsWith(`${kind}.`))
        .map((type) => (kind === undefined ? type : type.slice(kind.length + 1))),
    clear() {
      all.length = heard.length = 0
    },
    stop() {
      for (const off of offs) off()
    },
  }
}
