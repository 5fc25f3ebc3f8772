import { CrewError, invalid, notFound } from '../errors.js'
import { aFunction, filledText, type Id, id, many, number, read, type Reader, record, wrong } from '../input.js'
import { NONE } from '../json.js'
import type { Assignment, Proposal, Rating, Strategy } from './assignment.js'
import type { DeskView } from './assignment-view.js'

type Fields<T> = { readonly [K in keyof T]-?: Reader<T[K]> }

/** An object of which these fields count: a plan has others beside them, and so have its assignments. */
const partly = <T, N extends keyof T>(needed: Fields<Pick<T, N>>, others: Fields<Omit<T, N>>): Reader<T> => {
  const fields = Object.entries<Reader<unknown>>({ ...needed, ...others })
  return (value, name, limits) => {
    if (typeof value !== 'object' || value === null)
      return wrong(name, `an object { ${Object.keys(needed).join(', ')} }`, value)
    const given: Record<string, unknown> = {}
    for (const [field, reader] of fields) {
      const part = (value as Record<string, unknown>)[field]
      if (field in needed || part !== undefined) given[field] = reader(part, `${name}.${field}`, limits)
    }
    return given as T
  }
}

/** The range of Date. */
const instant = number(-8.64e15, 8.64e15)
const assignments = many(
  partly<Assignment, 'taskId' | 'member'>(
    { taskId: id, member: id },
    { tieBreak: filledText, startAt: instant, endAt: instant },
  ),
)
const proposal = partly<Proposal, 'assigned'>(
  { assigned: assignments },
  { later: assignments, summary: filledText, figures: record(number()), rate: aFunction<Rating>() },
)

/**
 * Asks a strategy, and checks what it answers like all that comes from outside. Throws `invalid_input` for a strategy that
 * fails or answers what is no plan, `not_found` for an unknown task or member, `not_eligible` for who is unable or full.
 */
export function askStrategy(strategy: Strategy, view: DeskView, onError: (error: unknown) => void): Proposal {
  const proposed = read(proposal, answerOf(strategy, view, onError), 'plan')
  refuseWrong(proposed.assigned, view)
  refuseUnknown(proposed, view)
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
    if (!member) throw unknownMember(to)
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

/** Of what is for later: tasks and members that there are, each task once, and not when it is given now. */
function refuseUnknown({ assigned, later = NONE }: Proposal, view: DeskView): void {
  if (later.length === 0) return
  const members = new Set(view.members.map((member) => member.id))
  const planned = new Set(assigned.map(({ taskId }) => taskId))
  for (const { taskId, member } of later) {
    if (!view.task(taskId)) throw unknownTask(taskId)
    if (!members.has(member)) throw unknownMember(member)
    if (planned.has(taskId)) throw twice(taskId)
    planned.add(taskId)
  }
}

const unknownTask = (taskId: Id): CrewError => notFound('Task', taskId, '; a strategy names tasks of the view')
const unknownMember = (member: Id): CrewError => notFound('Member', member, '; a strategy names members of the view')
const twice = (taskId: Id): CrewError => invalid(`The strategy gives task ${taskId} twice; mend it`, { id: taskId })

function strange(id: Id, view: DeskView): CrewError {
  if (!view.task(id)) return unknownTask(id)
  if (view.tasks.some((task) => task.id === id)) return twice(id)
  const why = 'which is not in the view: it is not ready, or somebody has it'
  return invalid(`The strategy gives task ${id}, ${why}; mend it`, { id })
}
