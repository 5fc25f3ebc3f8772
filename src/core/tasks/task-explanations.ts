import type { Id } from '../input.js'
import type { Candidate, Explanation, LeftTask } from './assignment.js'
import { obstacles } from './obstacles.js'
import { named, shortageOf } from './shortages.js'
import type { TaskDesk } from './task-desk.js'
import { standing } from './task-standing.js'
import type { Task } from './task.js'

/** Why nobody is working on a task. */
export function explainTask(desk: TaskDesk, task: Task): Explanation {
  desk.board.tick()
  const why = standing(desk, task)
  if (why) return { answer: why.reason, help: why.help }
  const hindered = desk.members.list().map((member) => ({
    member,
    obstacles: obstacles(member, task, desk.board.loadOf(member.id), desk.access),
  }))
  const candidates = hindered.map(({ member, obstacles: found }) =>
    unrated(
      member.id,
      found.map(({ text }) => text),
    ),
  )
  const able = candidates.filter(({ eligible }) => eligible).map(({ member }) => member)
  if (able.length > 0)
    return {
      answer: `It is ready, and nobody has taken it; it could be given to ${named(able, ', ')}`,
      help: 'Let one of them claim it, or give it to one with assign or autoAssign',
      candidates,
    }
  const { reason, help } = shortageOf(task, hindered)
  return { answer: reason, help, candidates }
}

/** What is named but is not to be given, and why. */
export function leaveUnready(desk: TaskDesk, tasks: readonly Task[]): readonly LeftTask[] {
  return tasks.map((task) => {
    const { answer: reason, help = '' } = explainTask(desk, task)
    const candidates = desk.members.list().map(({ id }) => unrated(id, [reason]))
    return { taskId: task.id, reason, help, candidates }
  })
}

const unrated = (member: Id, reasons: readonly string[]): Candidate => ({
  member,
  eligible: reasons.length === 0,
  reasons,
  score: 0,
  parts: {},
})
