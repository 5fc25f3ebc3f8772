import { isPast } from './attempt-record.js'
import { MultiMap } from '../multi-map.js'
import type { MemberInfo } from '../members.js'
import type { Explanation } from './assignment.js'
import { fits } from './claim-queues.js'
import { hindrance } from './eligibility.js'
import { named } from './shortages.js'
import type { TaskDesk } from './task-desk.js'
import { audience, inOrder } from './task-card.js'
import type { Task } from './task.js'

/** Why a member gets nothing to do. */
export function explainMember(desk: TaskDesk, member: MemberInfo): Explanation {
  desk.board.tick()
  return hindered(desk, member) ?? owning(desk, member) ?? missing(member) ?? choosing(desk, member)
}

function hindered({ board }: TaskDesk, member: MemberInfo): Explanation | undefined {
  const { id, available, budget, usage } = member
  const answer = hindrance(board, member)
  if (answer === undefined) return undefined
  if (!available) return { answer, help: `Make ${id} available` }
  if (budget && isPast(usage, budget)) return { answer, help: `Let ${id} join again with a higher budget` }
  const held = inOrder(board.inStage('in_progress')).flatMap((task) => (task.holder === id ? task.id : []))
  return { answer: `${answer}: ${named(held, ', ')}`, help: `Wait for the end of one, or raise the capacity of ${id}` }
}

function owning({ board }: TaskDesk, { id }: MemberInfo): Explanation | undefined {
  const own = inOrder(board.index.byAssignee.of(id)).filter((task) => board.card(task.id)?.isReady)
  return own.length === 0
    ? undefined
    : {
        answer: `${id} has ${named(
          own.map((task) => task.id),
          ', ',
        )}, and has not started`,
        help: `Let ${id} claim, or start it by hand`,
      }
}

const missing = ({ id, missingSince }: MemberInfo): Explanation | undefined =>
  missingSince === undefined
    ? undefined
    : {
        answer: `${id} has not been seen since ${new Date(missingSince).toISOString()}: strategies give it nothing`,
        help: `Let ${id} claim or join again`,
      }

/** Of who has nothing in its way: what there is, and why none of it is for this member. */
function choosing(desk: TaskDesk, member: MemberInfo): Explanation {
  const { board } = desk
  const { id } = member
  const ready = inOrder([...board.inStage('new'), ...board.inStage('assigned')])
  if (ready.length === 0) {
    const counts = NOT_READY.map((stage) => `${board.inStage(stage).size} ${stage}`)
    return { answer: `Nothing is ready; ${counts.join(', ')}`, help: 'explain({ taskId }) says what a task waits for' }
  }
  const sorts = new MultiMap<string, Task>()
  for (const task of ready) sorts.add(sortOf(desk, member, task), task)
  const open = Array.from(sorts.of(OPEN), (task) => task.id)
  if (open.length > 0) return { answer: `${id} could take ${named(open, ', ')}, and has not`, help: `Let ${id} claim` }
  const counts = Array.from(sorts.keys(), (sort) => `${sorts.of(sort).size} ${sort}`)
  return {
    answer: `Of ${ready.length} ready tasks none is for ${id}: ${counts.join(', ')}`,
    help: `Assign one to ${id}, or let it join again with more skills`,
  }
}

const NOT_READY = ['blocked', 'scheduled', 'waiting', 'in_progress'] as const
const OPEN = 'open'

/** What a ready task that is not its own is to a member. */
function sortOf({ board, access }: TaskDesk, { id, skills }: MemberInfo, task: Task): string {
  if (access?.sees(id, task) === false) return 'that it cannot see'
  if (task.assignees.length > 0) return 'assigned to others'
  if (audience(task, board.now()).length > 0) return 'kept for others'
  return fits(skills, task.requires) ? OPEN : 'that require skills which it lacks'
}
