import { systemEnvironment, type Crew, type Environment, type Task } from 'crewlog'

/** Timers are real, so that storage and leases are not hurried; only the calendar jumps from event to event. */
export interface SimulatedTime extends Environment {
  set(now: number): void
}

export function simulatedTime(): SimulatedTime {
  let now = Date.UTC(2026, 0, 1)
  return {
    ...systemEnvironment,
    now: () => now,
    set(at) {
      now = at
    },
  }
}

/**
 * List scheduling: whenever a machine is free it is given the ready task of the highest priority; at each instant
 * everything that ends does so first. Machines start tasks by hand, without a lease: they compute on while the demo
 * is dead, so a run that was killed has the same schedule as one that was not.
 */
export async function simulate(crew: Crew, time: SimulatedTime): Promise<void> {
  const { tracker } = crew
  time.set(newestTime(tracker.list(), time.now()))
  for (;;) {
    const running = tracker.list({ status: 'in_progress' })
    const ended = running.filter((task) => endOf(task) <= time.now())
    if (ended.length > 0) {
      await Promise.all(ended.map((task) => tracker.complete(task.id)))
      continue
    }
    const given = tracker.list({ stage: 'assigned' })
    await Promise.all(given.map((task) => tracker.start(task.id)))
    if (given.length > 0) continue
    const { assigned } = await crew.autoAssign()
    if (assigned.length > 0) continue
    if (running.length === 0) return
    time.set(Math.min(...running.map(endOf)))
  }
}

const endOf = ({ attempts, estimateMs = 0 }: Task): number => (attempts.at(-1)?.startedAt ?? 0) + estimateMs

/** Where the calendar stood when an earlier run stopped. */
const newestTime = (tasks: readonly Task[], start: number): number =>
  tasks
    .flatMap(({ createdAt, endedAt = 0, attempts }) => [createdAt, endedAt, attempts.at(-1)?.startedAt ?? 0])
    .reduce((a, b) => Math.max(a, b), start)
