import { CrewError, invalid, notFound } from '../errors.js'
import { filledText, type Id, id, many, number, read, type Reader, wrong } from '../input.js'
import type { Assignment, Proposal, Rating, Strategy } from './assignment.js'
import type { DeskView } from './assignment-view.js'

const fields = { taskId: id, member: id, tieBreak: filledText, startAt: number(), endAt: number() }

/** The fields that count; a plan's assignments have others beside them. */
const assignment: Reader<Assignment> = (value, name, limits) => {
  if (typeof value !== 'object' || value === null) return wrong(name, 'an object', value)
  const given: Record<string, unknown> = {}
  for (const [field, reader] of Object.entries(fields)) {
    const part = (value as Record<string, unknown>)[field]
    const isNeeded = field === 'taskId' || field === 'member'
    if (isNeeded || part !== undefined) given[field] = reader(part, `${name}.${field}`, limits)
  }
  return given as unknown as Assignment
}

const proposal: Reader<Proposal> = (value, name, limits) => {
  if (typeof value !== 'object' || value === null) return wrong(name, 'an object { assigned }', value)
  const { assigned, rate } = value as Record<string, unknown>
  if (rate !== undefined && typeof rate !== 'function') return wrong(`${name}.rate`, 'a function', rate)
  const read = many(assignment)(assigned, `${name}.assigned`, limits)
  return rate === undefined ? { assigned: read } : { assigned: read, rate: rate as Rating }
}

/**
 * Asks a strategy, and checks what it answers like all that comes from outside. Throws `invalid_input` for a strategy that
 * fails or answers what is no plan, `not_found` for an unknown task or member, `not_eligible` for who is unable or full.
 */
export function askStrategy(strategy: Strategy, view: DeskView, onError: (error: unknown) => void): Proposal {
  const proposed = read(proposal, answerOf(strategy, view, onError), 'plan')
  refuseWrong(proposed.assigned, view)
  return proposed
}

function answerOf(strategy: Strategy, view: DeskView, onError: (error: unknown) => void): unknown {
  let answer: unknown
  try {
    answer = strategy(view)
  } catch (error) {
    throw invalid('The strategy failed: see the cause, and mend it', {}, error)
  }
  if (!(answer instanceof Promise)) return answer
  // Whatever it brings, nobody waits for it.
  answer.catch(onError)
  throw invalid('A strategy must answer its plan at once, not a promise of it')
}

/** Each task once, of those to be given; each member able, and below its capacity with what it was given before. */
function refuseWrong(assigned: readonly Assignment[], view: DeskView): void {
  const left = new Map(view.tasks.map((task) => [task.id, task]))
  const members = new Map(view.members.map((member) => [member.id, member]))
  const given = new Map<Id, number>()
  for (const { taskId, member: to } of assigned) {
    const task = left.get(taskId)
    if (!task) throw strange(taskId, view)
    left.delete(taskId)
    const member = members.get(to)
    if (!member) throw notFound('Member', to, '; a strategy names members of the view')
    const already = given.get(to) ?? 0
    const [why] = view.obstacles(member, task, view.load(to) + already)
    if (why)
      throw new CrewError('not_eligible', `The strategy gives task ${taskId} to ${to}: ${why.text}; mend it`, {
        id: taskId,
        member: to,
      })
    given.set(to, already + 1)
  }
}

function strange(id: Id, view: DeskView): CrewError {
  if (!view.task(id)) return notFound('Task', id, '; a strategy names tasks of the view')
  const isDouble = view.tasks.some((task) => task.id === id)
  const what = isDouble ? 'twice' : 'which is not in the view: it is not ready, or somebody has it'
  return invalid(`The strategy gives task ${id}${isDouble ? ' ' : ', '}${what}; mend it`, { id })
}
