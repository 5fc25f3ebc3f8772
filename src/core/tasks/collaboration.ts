import { notFound } from '../errors.js'
import { type Id, id as anId, object, read, text } from '../input.js'
import type { Turn } from '../journal/projection.js'
import { messageId } from '../messages/message.js'
import { Attempt, type AttemptWrites } from './attempt.js'
import { explainMember } from './member-explanations.js'
import { accept, decline } from './offers.js'
import type { TaskDesk } from './task-desk.js'
import { expect } from './task-expiry.js'
import { choiceOf, readFilter } from './task-filter.js'
import type { TrackerParts } from './task-queries.js'
import { claim } from './task-starts.js'
import type { Task } from './task.js'

/** What a request for work brings. */
export type WorkAnswer =
  | { readonly attempt: Attempt; readonly none?: undefined; readonly retryAfterMs?: undefined }
  /** Why there is nothing, and when it is worth asking again at the latest, ms. */
  | { readonly attempt?: undefined; readonly none: string; readonly retryAfterMs: number }

const accepting = object({ by: anId }, ['by'])
const declining = object({ by: anId, reason: text }, ['by', 'reason'])
const requesting = object({ filter: readFilter })

/** Takes an offered task; see TaskTracker. @internal */
export async function acceptOffer(
  { journal, desk, news }: TrackerParts,
  writes: AttemptWrites,
  offer: unknown,
  options: object,
): Promise<Attempt> {
  const id = read(messageId, offer, 'offer')
  const { by } = read(accepting, options, 'options')
  const attempt = await journal.decide((turn) => {
    const { message, task } = offered(desk, turn, 'accept', id, by)
    return new Attempt(accept(desk, turn, task, message, by), writes)
  })
  return news.follow(attempt)
}

/** @internal */
export async function declineOffer({ journal, desk }: TrackerParts, offer: unknown, options: object): Promise<Task> {
  const id = read(messageId, offer, 'offer')
  const { by, reason } = read(declining, options, 'options')
  return journal.decide((turn) => {
    const { message, task } = offered(desk, turn, 'decline', id, by, { reason })
    return decline(desk, turn, task, message, by, reason)
  })
}

/** Claims, and says why when there is nothing. @internal */
export async function requestWork(
  parts: TrackerParts,
  writes: AttemptWrites,
  member: unknown,
  options: object,
): Promise<WorkAnswer> {
  const { journal, board, desk, news } = parts
  const by = read(anId, member, 'member')
  const { filter } = read(requesting, options, 'options')
  const answer = await journal.decide((turn): WorkAnswer => {
    desk.access?.permit(by, 'request', filter ? { filter } : {})
    const task = claim(desk, turn, by, undefined, choiceOf(filter, board, desk.access?.sightOf(by)))
    if (!task) return nothingFor(parts, turn, by, filter !== undefined)
    desk.notices.requested(turn, task, by)
    return { attempt: new Attempt(task, writes) }
  })
  return answer.attempt ? { attempt: news.follow(answer.attempt) } : answer
}

function nothingFor({ board, desk, members }: TrackerParts, turn: Turn, by: Id, isFiltered: boolean): WorkAnswer {
  const member = members.expect(by)
  const passedOver = isFiltered && board.firstFor(member, choiceOf(undefined, board, desk.access?.sightOf(by)))
  const none = passedOver ? `What is ready for ${by} does not pass the filter` : explainMember(desk, member).answer
  const untilTurn = Math.max(1, Math.ceil(board.nextTurnAt() - turn.now))
  return { none, retryAfterMs: Math.min(untilTurn, desk.settings.leaseMs) }
}

/** The offer, and its task as it is now; if who answers it can see both and may. */
function offered(
  desk: TaskDesk,
  turn: Turn,
  command: 'accept' | 'decline',
  messageId: Id,
  by: Id,
  more: object = {},
): { readonly message: ReturnType<TaskDesk['notices']['offer']>; readonly task: Task } {
  desk.expectMember(by)
  const message = desk.notices.offer(messageId, by)
  if (desk.access?.sees(by, message) === false) throw notFound('Message', messageId)
  const task = expect(desk, turn, message.taskId, by)
  desk.access?.permit(by, command, { messageId, taskId: task.id, ...more })
  return { message, task }
}
