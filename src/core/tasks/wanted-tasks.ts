import type { Id } from '../input.js'
import type { MemberInfo } from '../members.js'
import { byClaim, fits } from './claim-queues.js'
import { canBeGiven, isThere } from './obstacles.js'
import { audience, type Card, timeLimit } from './task-card.js'
import type { TaskDesk } from './task-desk.js'
import type { Task } from './task.js'

/** What is to be given. */
export interface Wanted {
  /** In the order of claiming. */
  readonly tasks: readonly Task[]
  /** How many tasks less each member has, as they are taken back to be given anew. */
  readonly takenFrom: ReadonlyMap<Id, number>
}

/** How many tasks a strategy sees when it is asked automatically. */
const WINDOW = 1000

/** All that is ready and nobody's, and what is stranded; or what of these is. */
export function wanted(desk: TaskDesk, now: number, among?: Iterable<Task>): Wanted {
  const { board } = desk
  if (!among) return wantedOf([...board.openTasks(() => true)], stranded(desk))
  const named = new Set(Array.from(among, ({ id }) => board.card(id) as Card))
  const open = [...named].filter((card) => isOpen(card, now)).sort(byClaim)
  return wantedOf(
    open,
    stranded(desk).filter((card) => named.has(card)),
  )
}

/** What is to be given at once: the first of what somebody free could be given, and what is stranded. */
export function wantedNow(desk: TaskDesk): Wanted {
  desk.board.tick()
  const taken = stranded(desk)
  const { takenFrom } = wantedOf([], taken)
  const open: Card[] = []
  for (const card of givable(desk, takenFrom)) {
    open.push(card)
    if (open.length === WINDOW) break
  }
  return wantedOf(open, taken)
}

/** Whether there is anything to be given at once that has not been passed over. */
export function isDue(desk: TaskDesk, isPassedOver: (task: Task) => boolean): boolean {
  desk.board.tick()
  const taken = stranded(desk)
  if (taken.length > 0) return true
  for (const { task } of givable(desk, new Map())) if (!isPassedOver(task)) return true
  return false
}

/** Whether it is ready, and nobody's. */
const isOpen = (card: Card, now: number): boolean =>
  card.stage === 'new' && audience(card.task, now).length === 0 && timeLimit(card.task) > now

function wantedOf(open: readonly Card[], taken: readonly Card[]): Wanted {
  const takenFrom = new Map<Id, number>()
  for (const { task } of taken) for (const id of task.assignees) takenFrom.set(id, (takenFrom.get(id) ?? 0) + 1)
  const cards = taken.length === 0 ? open : [...open, ...taken].sort(byClaim)
  return { tasks: cards.map(({ task }) => task), takenFrom }
}

/** What is ready and nobody's, and could be given to somebody who is below its capacity; in the order of claiming. */
function* givable(desk: TaskDesk, takenFrom: ReadonlyMap<Id, number>): Generator<Card> {
  const { board, members, access } = desk
  if (board.inStage('new').size === 0) return
  const isFree = ({ id, capacity }: MemberInfo): boolean => board.loadOf(id) - (takenFrom.get(id) ?? 0) < capacity
  const free = members.list().filter((member) => isThere(member) && isFree(member))
  if (free.length === 0) return
  const passes = (requires: Task['requires']): boolean => free.some((member) => fits(member.skills, requires))
  for (const card of board.openTasks(passes))
    if (!access || free.some((member) => canBeGiven(member, card.task, access))) yield card
}

/**
 * What a strategy gave, that is ready, and that its member is not there for, or has no room for any more: it works on
 * something else by now, say. Of what is too much, that which it would come to last.
 */
function stranded({ board, members }: TaskDesk): readonly Card[] {
  const found: Card[] = []
  for (const id of board.index.given.members) {
    const member = members.get(id)
    const excess = member && isThere(member) ? board.loadOf(id) - member.capacity : Infinity
    if (excess <= 0) continue
    const ready = [...board.index.given.of(id)].filter(({ stage }) => stage === 'assigned').sort(byClaim)
    found.push(...ready.slice(Math.max(0, ready.length - excess)))
  }
  return found
}
