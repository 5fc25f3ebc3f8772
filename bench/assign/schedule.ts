import { type Assignment, openCrew } from 'crewlog'
import { criticalPath } from 'crewlog/assignment'
import type { Work, WorkTask } from './work.js'

export interface Scheduled {
  /** From the first start to the last end, in the unit of the file. */
  readonly makespan: number
  /** What is wrong with the schedule, in words. */
  readonly faults: readonly string[]
  readonly ms: number
}

/** Lets a crew plan the work by `criticalPath`, and checks the plan by the work alone. */
export async function schedule(work: Work): Promise<Scheduled> {
  const crewIds = crewIdsOf(work)
  const own = new Map(work.tasks.map((task) => [crewIds.get(task.id) ?? '', task]))
  const strategy = criticalPath({ duration: (task, member) => own.get(task.id)?.durations.get(member.id) })
  const edges = work.tasks.reduce((most, { dependsOn }) => Math.max(most, dependsOn.length), 1)
  const crew = await openCrew({ limits: { dependencies: edges } })
  for (const id of work.members) await crew.join(id, { kind: 'service' })
  await crew.tracker.createMany(
    [...own].map(([id, { dependsOn }]) => ({
      id,
      description: 'A task',
      dependsOn: dependsOn.map((on) => crewIds.get(on) ?? ''),
    })),
  )
  const start = performance.now()
  const { assigned, later } = await crew.autoAssign({ strategy, dryRun: true })
  const ms = performance.now() - start
  await crew.close()

  const planned = [...assigned, ...later].map((one) => ({ ...one, taskId: own.get(one.taskId)?.id ?? one.taskId }))
  const first = planned.reduce((least, { startAt = NaN }) => Math.min(least, startAt), Infinity)
  const last = planned.reduce((most, { endAt = NaN }) => Math.max(most, endAt), -Infinity)
  return { makespan: (last - first) / work.unitMs, faults: faultsOf(work, planned), ms }
}

/** Ids that any crew takes, in the order of those of the file, which may be any text: ties are broken by them. */
function crewIdsOf({ tasks }: Work): ReadonlyMap<string, string> {
  const sorted = tasks.map(({ id }) => id).sort((a, b) => (a < b ? -1 : 1))
  return new Map(sorted.map((id, index) => [id, `t${String(index).padStart(9, '0')}`]))
}

/** Checks a schedule against the work alone; it knows nothing of how schedules are made. */
function faultsOf({ tasks }: Work, all: readonly Assignment[]): readonly string[] {
  const planned = new Map(all.map((assignment) => [assignment.taskId, assignment]))
  const times = all.length === planned.size ? [] : ['a task is there twice']
  const known = new Set(tasks.map(({ id }) => id))
  const strange = all.filter(({ taskId }) => !known.has(taskId))
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
