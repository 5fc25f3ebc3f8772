import type { Id } from '../core/input.js'
import type { Assignment, Strategy } from '../core/tasks/assignment.js'
import { roomOf } from './strategy.js'

/** In turns, in the order of their ids, going on after whoever was given a task last; who cannot take one is passed over. */
export const roundRobin = (): Strategy => (view) => {
  const ids = view.members.map(({ id }) => id).sort(byText)
  const places = new Map(ids.map((id, place) => [id, place]))
  const placeOf = (id: Id): number => places.get(id) ?? 0
  const loads = new Map(ids.map((id) => [id, view.load(id)]))
  const loadOf = (id: Id): number => loads.get(id) ?? 0
  const { lastGiven = '' } = view
  // Who was last may have left.
  let next = Math.max(
    0,
    ids.findIndex((id) => id > lastGiven),
  )
  /** Whose turn it was when a task was looked at. */
  const turns = new Map<Id, number>()
  const awayFrom = (turn: number, id: Id): number => (placeOf(id) - turn + ids.length) % ids.length
  const assigned: Assignment[] = []
  let room = roomOf(view)
  for (const task of view.tasks) {
    if (room === 0) break
    turns.set(task.id, next)
    let member: Id | undefined
    for (const { id, capacity } of view.able(task)) {
      const isFree = loadOf(id) < capacity
      if (isFree && (member === undefined || awayFrom(next, id) < awayFrom(next, member))) member = id
    }
    if (member === undefined) continue
    loads.set(member, loadOf(member) + 1)
    room--
    next = (placeOf(member) + 1) % ids.length
    assigned.push({ taskId: task.id, member })
  }
  return { assigned, rate: (task, { id }) => ({ turn: -awayFrom(turns.get(task.id) ?? next, id) }) }
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
