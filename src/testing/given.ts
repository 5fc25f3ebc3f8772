import { CrewError, type CrewErrorCode, invalid } from '../core/errors.js'
import type { JournalEvent } from '../core/journal/journal-storage.js'
import { type Json } from '../core/json.js'
import { MemoryStorage } from '../core/journal/memory-storage.js'
import type { StoredEvent } from '../core/journal/journal-log.js'
import { type Crew, openCrew } from '../crew/crew.js'
import { manualEnvironment, type ManualEnvironment } from './manual-environment.js'

/** What an expected event must have; of `changes` the named fields. */
export interface ExpectedEvent {
  readonly type: string
  readonly id?: string
  readonly by?: string
  readonly changes?: { readonly [field: string]: Json }
}

export interface When {
  /** Resolves if the command made exactly these events, in this order; rejects with both lists otherwise. */
  then(events: readonly ExpectedEvent[], onMisuse?: (error: unknown) => void): Promise<void>
  /** Resolves if the command was refused with this code and changed nothing. */
  thenRefused(code: CrewErrorCode): Promise<void>
}

export interface Given {
  when(command: (crew: Crew, environment: ManualEnvironment) => unknown): When
}

/**
 * A test of the domain in three steps: given what has happened, when a command is called, then these events follow.
 * What has happened is commands on a crew in memory, which is opened anew before `when`.
 */
export function given(history: (crew: Crew, environment: ManualEnvironment) => unknown = () => undefined): Given {
  expectFunction(history, 'given')
  const run = async (command: (crew: Crew, environment: ManualEnvironment) => unknown) => {
    const environment = manualEnvironment()
    const storage = new MemoryStorage()
    const past = await openCrew({ storage, environment, onError: () => undefined })
    await history(past, environment)
    const crew = await openCrew({ storage, environment, onError: () => undefined })
    const events: StoredEvent[] = []
    crew.on('*', (event) => events.push(event))
    let refusal: CrewError | undefined
    try {
      await command(crew, environment)
    } catch (error) {
      if (!CrewError.is(error)) throw error
      refusal = error
    }
    await environment.settle()
    // What closing gives back is no effect of the command.
    const followed = events.filter(({ type }) => !type.startsWith('session.'))
    await Promise.all([crew.close(), past.close()])
    return { events: followed, refusal }
  }
  return {
    when: (command) => {
      expectFunction(command, 'when')
      return {
        async then(expected, onMisuse) {
          if (!Array.isArray(expected)) {
            const error = invalid('Call then([…]) with the expected events; do not await when()')
            // Somebody awaits it, and gives functions.
            if (!onMisuse) throw error
            onMisuse(error)
            return
          }
          const { events, refusal } = await run(command)
          if (refusal)
            throw new Error(`Expected events, but the command was refused: ${refusal.message}`, { cause: refusal })
          if (
            events.length !== expected.length ||
            !expected.every((event: ExpectedEvent, index) => isLike(events[index], event))
          )
            throw differs(expected, events)
        },
        async thenRefused(code) {
          const { events, refusal } = await run(command)
          if (refusal?.code !== code)
            throw new Error(`Expected a refusal with ${code}, got ${refusal?.code ?? 'none'}`, { cause: refusal })
          if (events.length > 0) throw differs([], events)
        },
      }
    },
  }
}

function expectFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw invalid(`${name} takes a function of a crew`)
}

function isLike(
  actual: JournalEvent | undefined,
  { type, id = actual?.id, by = actual?.by, changes = {} }: ExpectedEvent,
): boolean {
  if (actual?.type !== type || actual.id !== id || actual.by !== by) return false
  return Object.entries(changes).every(
    ([field, value]) => JSON.stringify(actual.changes[field]) === JSON.stringify(value),
  )
}

const differs = (expected: readonly unknown[], actual: readonly unknown[]): Error =>
  new Error(
    `Expected these events:\n${JSON.stringify(expected, null, 2)}\nbut got:\n${JSON.stringify(actual, null, 2)}`,
  )
