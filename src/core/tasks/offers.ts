import type { AttemptRecord } from './attempt-record.js'
import { notEligible, refusal } from './eligibility.js'
import { CrewError, invalid } from '../errors.js'
import type { Id } from '../input.js'
import { NONE, NOTHING } from '../json.js'
import type { Message } from '../messages/message.js'
import type { Turn } from '../journal/projection.js'
import type { TaskDesk } from './task-desk.js'
import type { Given } from './task-input.js'
import * as moves from './task-moves.js'
import { begin, refuseUnfit } from './task-starts.js'
import { nameOf, type Move, type Offer, type Task } from './task.js'

// How members give each other work: by offers, which the first who accepts takes, and by hand-offs, which are offers of
// what somebody works on. Each is a part of a decision, like all commands.

/** Open offers of one task. */
const MOST_OFFERS = 100
/** Of each earlier attempt, in the mail of a hand-off: characters. */
const LONGEST_REASON = 2000

type OfferMessage = Message & { readonly id: Id }

/** A pending task; whoever accepts first has it. */
export function offer(desk: TaskDesk, turn: Turn, task: Task, { to, by, note, expiresAt }: Given['offer']): Message {
  const { id, holder } = task
  if (holder !== undefined)
    throw new CrewError('already_claimed', `Task ${id} is held by ${holder}: it hands it off, or releases it`, {
      id,
      holder,
    })
  moves.expectMove(task, 'offer')
  if (expiresAt !== undefined && expiresAt <= turn.now)
    throw invalid(`options.expiresAt has passed: ${new Date(expiresAt).toISOString()}; give a later time`)
  expectOthers(desk, turn, task, by, to)
  const standing = task.offers.filter((one) => (one.expiresAt ?? Infinity) > turn.now)
  if (standing.length >= MOST_OFFERS)
    throw new CrewError(
      'limit_exceeded',
      `Task ${id} has ${MOST_OFFERS} open offers; wait for an answer, or assign it`,
      {
        id,
        limit: MOST_OFFERS,
      },
    )
  const expiry = expiresAt === undefined ? {} : { expiresAt }
  const message = desk.notices.said(turn, task, 'task.offer', { to, content: note ?? nameOf(task), by, more: expiry })
  desk.move(turn, task, { offers: [...standing, offerOf(message, expiry)] }, by)
  return message
}

/** The attempt ends, and those named may go on: for one lease only they, then whoever may. */
export function handOff(desk: TaskDesk, turn: Turn, task: Task, { to, note, fence }: Given['handOff']): Message {
  moves.expectFrom(task, 'handOff', fence)
  const { id, assignees, attempts, counted, progress, usage } = task
  const { member: by, leaseMs = desk.settings.leaseMs } = task.running as AttemptRecord
  if (task.cancelRequested)
    throw new CrewError('invalid_transition', `Task ${id} is to be cancelled: release it, or complete it`, { id })
  expectOthers(desk, turn, task, by, to)
  if (counted.released >= moves.FREE_RELEASES)
    throw new CrewError(
      'loop_detected',
      `Task ${id} was handed over or released ${counted.released} times in a row: complete it, let it fail, or ask a person`,
      { id, limit: moves.FREE_RELEASES },
    )
  const tried = attempts.map(({ member, outcome, reason }) => ({
    member,
    ...(outcome && { outcome }),
    ...(reason !== undefined && { reason: reason.slice(0, LONGEST_REASON) }),
  }))
  const metadata = { progress, usage: { ...usage }, tried }
  const message = desk.notices.said(turn, task, 'task.handoff', { to, content: note, by, more: { metadata } })
  const { recipients } = message
  desk.move(
    turn,
    task,
    {
      ...moves.release(task, note, true, desk.chances(turn), undefined, recipients),
      offers: [offerOf(message)],
      keptFor: { members: recipients, until: turn.now + leaseMs },
      assignees: inPlaceOf(by, recipients, assignees),
    },
    by,
  )
  return message
}

/** Accepting is the claim: who does is the holder. */
export function accept(desk: TaskDesk, turn: Turn, task: Task, message: OfferMessage, by: Id): Task {
  expectOffered(desk, turn, task, message, by)
  const member = desk.members.expect(by)
  const refused = refusal(desk.board, task, member, true)
  if (refused) throw refused
  desk.members.tellSeen(turn, by)
  const begun = begin(desk, turn, task, by, desk.settings.leaseMs, givenBy(message.sender, by, task))
  desk.notices.offerAnswered(turn, task, message, 'task.accept', by, `Accepted by ${by}`)
  return begun
}

/** The assignees, so that who accepts is one; nobody's task stays nobody's. */
function givenBy(sender: Id, by: Id, { assignees }: Task): Pick<Move, 'assignees'> {
  if (assignees.length === 0 || assignees.includes(by)) return NOTHING
  return { assignees: assignees.includes(sender) ? inPlaceOf(sender, [by], assignees) : [by] }
}

/** Whoever declines is not kept waiting for; who has offered it is told why. */
export function decline(desk: TaskDesk, turn: Turn, task: Task, message: OfferMessage, by: Id, reason: string): Task {
  expectOffered(desk, turn, task, message, by)
  const { offers, keptFor, assignees } = task
  const isHandOff = message.kind === 'task.handoff'
  const left = offers.flatMap((one) => (one.id === message.id ? without(one, by) : one))
  const keepers = keptFor?.members.filter((id) => id !== by) ?? NONE
  const move = {
    offers: left,
    ...(isHandOff && {
      keptFor: keptFor && keepers.length > 0 ? { ...keptFor, members: keepers } : undefined,
      assignees: assignees.filter((id) => id !== by),
    }),
  }
  const isUnassigned = isHandOff && assignees.includes(by)
  const declined = desk.move(turn, task, move, by, isUnassigned ? 'unassigned' : 'updated')
  desk.notices.offerAnswered(turn, task, message, 'task.decline', by, reason)
  return declined
}

/** Throws unless the offer stands for that member, and says what became of it. */
function expectOffered(desk: TaskDesk, turn: Turn, task: Task, message: OfferMessage, by: Id): void {
  desk.admit(turn, [by])
  const { id: taskId, status, offers, attempts } = task
  const { id, sender, sentAt = 0 } = message
  const offer = offers.find((one) => one.id === id && one.to.includes(by))
  const over = (why: string): never => {
    throw new CrewError('invalid_transition', `Offer ${id} of task ${taskId} ${why}`, { id, taskId })
  }
  if (offer) {
    const { expiresAt = Infinity } = offer
    if (expiresAt <= turn.now) over(`expired at ${new Date(expiresAt).toISOString()}; ask ${sender} for another`)
    return
  }
  if (desk.notices.hasDeclined(message, by)) over(`was declined by ${by}; ask ${sender} for another`)
  // Not the one that was handed off by it.
  const taken = attempts.find(({ startedAt, endedAt = Infinity }) => startedAt >= sentAt && endedAt > sentAt)
  if (taken)
    throw new CrewError(
      'already_claimed',
      `Task ${taskId} was taken by ${taken.member === by ? `${by} itself` : taken.member} at ${new Date(taken.startedAt).toISOString()}, and is ${status}; claim another`,
      { id: taskId, holder: taken.member },
    )
  over(`is over: the task is ${status}${task.assignees.length > 0 ? `, given to ${task.assignees.join(', ')}` : ''}`)
}

/** Throws unless all to whom a task is to go are others, and able. */
function expectOthers(desk: TaskDesk, turn: Turn, task: Task, by: Id, to: readonly Id[]): void {
  if (to.length === 0) throw invalid('options.to names nobody; name one or several members')
  desk.admit(turn, [by], to)
  if (to.includes(by)) throw notEligible(task, desk.members.expect(by), 'it offers it itself; name others')
  refuseUnfit(desk, task, to)
}

const offerOf = ({ id = '', sender: by, recipients: to }: Message, more?: Pick<Offer, 'expiresAt'>): Offer => ({
  id,
  by,
  to,
  ...more,
})

const without = (offer: Offer, member: Id): readonly Offer[] => {
  const to = offer.to.filter((id) => id !== member)
  return to.length > 0 ? [{ ...offer, to }] : NONE
}

/** Who takes somebody's place among the assignees; nobody's, when nobody was assigned. */
const inPlaceOf = (gone: Id, others: readonly Id[], assignees: readonly Id[]): readonly Id[] => [
  ...new Set(assignees.flatMap((id) => (id === gone ? others : [id]))),
]
