import type { Schedule, SchedulingProblem } from '../../../src/assignment/schedule/problem.js'

/** What is wrong with a schedule, in words; nothing, if it is valid. It knows nothing of how schedules are made. */
export function faultsOf({ tasks, members }: SchedulingProblem, { entries, makespan }: Schedule): readonly string[] {
  const faults: string[] = []
  if (entries.length !== tasks.length) faults.push(`${entries.length} of ${tasks.length} tasks`)
  entries.forEach(({ member, startAt, endAt }, task) => {
    const { choices, after, earliest } = tasks[task]!
    const choice = choices.find((one) => one.member === member)
    if (!choice) faults.push(`${task} by ${member}, who cannot`)
    else if (endAt - startAt !== choice.duration)
      faults.push(`${task} takes ${endAt - startAt}, not ${choice.duration}`)
    if (startAt < earliest) faults.push(`${task} at ${startAt}, before ${earliest}`)
    for (const other of after)
      if (entries[other]!.endAt > startAt) faults.push(`${task} before ${other}, which it follows, has ended`)
  })
  members.forEach(({ freeAt }, member) => {
    const own = entries.filter((entry) => entry.member === member)
    // The load is highest at a start. What takes no time is there for none.
    for (const { startAt } of own) {
      const load = own.filter((entry) => entry.startAt <= startAt && startAt < entry.endAt).length
      const free = freeAt.filter((at) => at <= startAt).length
      if (load > free) faults.push(`${member} does ${load} at ${startAt} in ${free} places`)
    }
  })
  const end = Math.max(0, ...entries.map(({ endAt }) => endAt))
  if (makespan !== end) faults.push(`makespan ${makespan}, but the last ends at ${end}`)
  return faults
}
