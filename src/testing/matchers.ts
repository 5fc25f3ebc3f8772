import { invalid } from '../core/errors.js'
import { type Id, read } from '../core/input.js'
import type { Message } from '../core/messages/message.js'
import type { Task, TaskStatus } from '../core/tasks/task.js'
import type { StoredEvent } from '../core/journal/journal-log.js'
import type { Member } from '../crew/member.js'
import { choice } from './choice.js'
import { isLike } from './likeness.js'
import { storedEventNamed, type EventName, type RecordedEvents } from './record-events.js'

const taskStatus = choice('pending', 'in_progress', 'waiting', 'completed', 'failed', 'cancelled')

/** A text, a pattern for one, or what the message has among other fields. */
export type ExpectedMessage =
  string | RegExp | { readonly [K in keyof Message]?: unknown } | { asymmetricMatch(other: unknown): boolean }

/** An event by its name (`'completed'` is `'task.completed'`), of one task, message or member, or with more that it has. */
export type ExpectedHappening =
  | EventName
  | {
      readonly type: EventName
      readonly id?: Id
      readonly by?: Id
      readonly changes?: Readonly<Record<string, unknown>>
    }

export interface CrewMatchers<R = void> {
  /** Of a task: what `tracker.get(id)` or a command answered. */
  toHaveStatus(status: TaskStatus): R
  /** Of a member: whether such a message, or any, was ever sent to it. */
  toHaveReceived(message?: ExpectedMessage): R
  /** Of recorded events: whether both happened, the first time of `first` before the first time of `second`. */
  toHaveHappenedBefore(first: ExpectedHappening, second: ExpectedHappening): R
}

declare global {
  // Jest and vitest both look for matchers here.
  // eslint-disable-next-line @typescript-eslint/no-namespace -- only so it can be added to
  namespace jest {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars -- as they declare it
    interface Matchers<R, T = {}> extends CrewMatchers<R> {}
  }
}

export interface MatcherVerdict {
  readonly pass: boolean
  /** Also said when it passes, and should not. */
  message(): string
}

/** For `expect.extend(crewMatchers)` of vitest and Jest. */
export const crewMatchers = {
  toHaveStatus(received: unknown, status: TaskStatus): MatcherVerdict {
    const task = received as Task | undefined
    if (task !== undefined && (typeof task !== 'object' || typeof (task as Task | null)?.status !== 'string'))
      throw invalid('toHaveStatus looks at a task: expect(crew.tracker.get(id))')
    read(taskStatus, status, 'status')
    const pass = task?.status === status
    return {
      pass,
      message: () =>
        task
          ? `Expected task ${task.id} ${pass ? 'not ' : ''}to be ${status}${pass ? '' : `, but it is ${task.status}`}${storyOf(task)}`
          : `Expected a task that is ${status}, but there is no such task`,
    }
  },

  toHaveReceived(received: unknown, expected?: ExpectedMessage): MatcherVerdict {
    const member = received as Member
    if (typeof received !== 'object' || received === null || !('received' in received))
      throw invalid("toHaveReceived looks at a member: expect(crew.as('ana'))")
    const messages = member.received
    const pass = messages.some((message) => isExpected(message, expected))
    const wanted = expected === undefined ? 'a message' : `a message like ${show(expected)}`
    return {
      pass,
      message: () =>
        `Expected ${member.id} ${pass ? 'not ' : ''}to have received ${wanted}; it received${listed(messages.map((message) => `${message.sender}: ${show(message.content)}${message.kind === undefined ? '' : ` (${message.kind})`}`))}`,
    }
  },

  toHaveHappenedBefore(received: unknown, first: ExpectedHappening, second: ExpectedHappening): MatcherVerdict {
    const events = (received as Partial<RecordedEvents> | undefined)?.all
    if (!events) throw invalid('toHaveHappenedBefore looks at recorded events: expect(recordEvents(crew))')
    // Under .not, a name that nobody tells would pass for ever.
    for (const expected of [first, second]) storedEventNamed(typeof expected === 'string' ? expected : expected.type)
    const [one, other] = [first, second].map((event) => events.findIndex((each) => happened(each, event)))
    const pass = one !== undefined && other !== undefined && one >= 0 && one < other
    const missing = one === -1 ? first : other === -1 ? second : undefined
    return {
      pass,
      message: () =>
        `Expected ${show(first)} ${pass ? 'not ' : ''}to have happened before ${show(second)}${missing === undefined ? '' : `, but ${show(missing)} did not happen`}; this happened:${listed(
          events.map(
            ({ type, id, seq }, at) => `${at === one || at === other ? '▸ ' : ''}${type} of ${id} in commit ${seq}`,
          ),
        )}`,
    }
  },
}

function isExpected(message: Message, expected: ExpectedMessage | undefined): boolean {
  if (expected === undefined) return true
  const isOfContent = typeof expected === 'string' || expected instanceof RegExp || 'asymmetricMatch' in expected
  return isLike(isOfContent ? message.content : message, expected)
}

function happened(event: StoredEvent, expected: ExpectedHappening): boolean {
  const wanted = typeof expected === 'string' ? { type: expected } : expected
  return isLike(event, { ...wanted, type: storedEventNamed(wanted.type) })
}

/** What one wants to know of a task that is not as expected. */
function storyOf({ attempts, failure, waitingFor }: Task): string {
  const tries = attempts.map(
    ({ number, member, outcome = 'running', reason }) =>
      `\n  attempt ${number} of ${member}: ${outcome}${reason === undefined ? '' : `, ${reason}`}`,
  )
  const why = failure ? `\n  ${failure.code}: ${failure.message}` : ''
  const question = waitingFor
    ? `\n  waits for ${waitingFor.for}${waitingFor.of.length > 0 ? ` of ${waitingFor.of.join(', ')}` : ''}`
    : ''
  return `${tries.join('')}${why}${question}`
}

const listed = (lines: readonly string[]): string =>
  lines.length === 0 ? ' nothing' : lines.map((line) => `\n  ${line}`).join('')

/** As JSON, with patterns and what decides by itself in their own words. */
const show = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof RegExp) return String(part)
    const { toAsymmetricMatcher } = (part ?? {}) as { readonly toAsymmetricMatcher?: () => string }
    return typeof toAsymmetricMatcher === 'function' ? toAsymmetricMatcher.call(part) : part
  })
