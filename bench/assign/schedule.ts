import { type Assignment, type AssignmentView, TaskTracker } from 'crewlog'
import { criticalPath } from 'crewlog/assignment'
import type { Work, WorkTask } from './work.js'

export interface Scheduled {
  /** From the first start to the last end, ms. */
  readonly makespan: number
  /** What is wrong with the schedule, in words. */
  readonly faults: readonly string[]
}

/** Lets `criticalPath` plan the work, and checks its plan. */
export async function schedule(work: Work): Promise<Scheduled> {
  const byId = new Map(work.tasks.map((task) => [task.id, task]))
  const strategy = criticalPath({ duration: (task, member) => byId.get(task.id)?.durations.get(member.id) })
  const { assigned, later = [] } = strategy(await viewOf(work))
  const planned = [...assigned, ...later]
  const starts = planned.map(({ startAt }) => startAt ?? NaN)
  const ends = planned.map(({ endAt }) => endAt ?? NaN)
  return { makespan: Math.max(0, ...ends) - Math.min(...starts, Infinity), faults: faultsOf(work, planned) }
}

/** All of the work, when none has begun. */
async function viewOf({ members, tasks }: Work): Promise<AssignmentView> {
  const tracker = new TaskTracker({ limits: { dependencies: Math.max(1, tasks.length) } })
  await tracker.createMany(tasks.map(({ id, dependsOn }) => ({ id, dependsOn, description: id })))
  const all = members.map((id) => ({
    id,
    kind: 'service' as const,
    skills: {},
    capacity: 1,
    available: true,
    usage: {},
    joinedAt: 0,
  }))
  return {
    now: 0,
    tasks: tracker.ready(),
    members: all,
    load: () => 0,
    able: () => all,
    trackRecord: () => ({ finished: 0, successRate: 0, meanMs: 0 }),
    task: (id) => tracker.get(id),
    open: tracker.list(),
    dependents: (id) => tracker.dependents(id).map((task) => task.id),
    lastGiven: undefined,
  }
}

/** Checks a schedule against the work alone; it knows nothing of how schedules are made. */
function faultsOf({ tasks }: Work, all: readonly Assignment[]): readonly string[] {
  const planned = new Map(all.map((assignment) => [assignment.taskId, assignment]))
  const times = all.length === planned.size ? [] : ['a task is there twice']
  const strange = all.filter(({ taskId }) => !tasks.some(({ id }) => id === taskId))
  return [
    ...times,
    ...strange.map(({ taskId }) => `there is no task ${taskId}`),
    ...tasks.flatMap((task) => faultsOfTask(task, planned)),
    ...overlaps(all),
  ]
}

function faultsOfTask({ id, dependsOn, durations }: WorkTask, planned: ReadonlyMap<string, Assignment>): string[] {
  const { member = '', startAt = NaN, endAt = NaN } = planned.get(id) ?? {}
  const duration = durations.get(member)
  if (duration === undefined) return [`${id} is given to nobody who can do it`]
  const faults = endAt - startAt === duration ? [] : [`${id} takes ${endAt - startAt}, not ${duration}`]
  for (const before of dependsOn)
    if (!((planned.get(before)?.endAt ?? NaN) <= startAt)) faults.push(`${id} starts before ${before} has ended`)
  return faults
}

/** Where a member does two things at once. */
function overlaps(assigned: readonly Assignment[]): string[] {
  const ends = new Map<string, number>()
  const faults: string[] = []
  for (const { taskId, member, startAt = NaN, endAt = NaN } of [...assigned].sort(byStart)) {
    const end = ends.get(member) ?? -Infinity
    if (startAt < end) faults.push(`${member} starts ${taskId} at ${startAt}, but is busy until ${end}`)
    ends.set(member, Math.max(end, endAt))
  }
  return faults
}

const byStart = (a: Assignment, b: Assignment): number =>
  (a.startAt ?? NaN) - (b.startAt ?? NaN) || (a.endAt ?? NaN) - (b.endAt ?? NaN)
