import fc from 'fast-check'
import { expect, it } from 'vitest'
import { findSchedule } from '../../../src/assignment/schedule/find-schedule.js'
import type { SchedulingProblem, TaskToSchedule } from '../../../src/assignment/schedule/problem.js'
import { faultsOf } from './faults.js'

/** Any graph: a task comes after some of those before it. */
function problems(limits: { tasks: number; members: number; places: number }): fc.Arbitrary<SchedulingProblem> {
  const time = fc.nat(9)
  const members = fc.array(
    fc.record({ freeAt: fc.array(fc.oneof(fc.constant(0), time), { minLength: 1, maxLength: limits.places }) }),
    { minLength: 1, maxLength: limits.members },
  )
  return members.chain((all) => {
    const choice = fc.record({ member: fc.nat(all.length - 1), duration: time })
    const task = fc.record({
      choices: fc.uniqueArray(choice, { minLength: 1, selector: ({ member }) => member }),
      earliest: fc.oneof(fc.constant(0), time),
      after: fc.array(fc.nat(), { maxLength: 2 }),
    })
    return fc.array(task, { maxLength: limits.tasks }).map((tasks) => ({
      members: all,
      tasks: tasks.map((one, index) => ({ ...one, after: index === 0 ? [] : one.after.map((at) => at % index) })),
    }))
  })
}

it('finds a valid schedule for anything that can be done', () => {
  fc.assert(
    fc.property(problems({ tasks: 20, members: 4, places: 3 }), (problem) => {
      expect(faultsOf(problem, findSchedule(problem, 20_000))).toEqual([])
    }),
    { numRuns: 300 },
  )
})

it('never makes the list schedule longer, and says the same each time', () => {
  fc.assert(
    fc.property(problems({ tasks: 20, members: 4, places: 2 }), (problem) => {
      const found = findSchedule(problem, 5000)

      expect(found.makespan).toBeLessThanOrEqual(findSchedule(problem, 0).makespan)
      expect(findSchedule(problem, 5000)).toEqual(found)
    }),
    { numRuns: 200 },
  )
})

it('keeps everyone busy as list scheduling does, or does better', () => {
  const equals = problems({ tasks: 20, members: 1, places: 4 })
  fc.assert(
    fc.property(equals, (problem) => {
      expect(findSchedule(problem, 0).makespan).toBeLessThanOrEqual(listMakespan(problem))
    }),
    { numRuns: 300 },
  )
})

it('finds the shortest schedule of a few tasks', () => {
  fc.assert(
    fc.property(problems({ tasks: 5, members: 3, places: 1 }), (problem) => {
      expect(findSchedule(problem).makespan).toBe(shortest(problem))
    }),
    { numRuns: 100 },
  )
})

/** List scheduling with one member, moment by moment: what is ready and has the longest way to the end starts first. */
function listMakespan({ tasks, members }: SchedulingProblem): number {
  const durations = tasks.map(({ choices }) => choices[0]!.duration)
  const ways = [...durations]
  for (let index = tasks.length - 1; index >= 0; index--)
    for (const before of tasks[index]!.after) ways[before] = Math.max(ways[before]!, durations[before]! + ways[index]!)
  const places = [...members[0]!.freeAt]
  const ends = tasks.map(() => Infinity)
  for (let now = 0; ends.includes(Infinity); now++) {
    for (;;) {
      const place = places.findIndex((freeAt) => freeAt <= now)
      const isReady = ({ after, earliest }: TaskToSchedule): boolean =>
        earliest <= now && after.every((before) => ends[before]! <= now)
      const ready = [...tasks.keys()].filter((index) => ends[index] === Infinity && isReady(tasks[index]!))
      const [next] = ready.sort((a, b) => ways[b]! - ways[a]! || a - b)
      if (place === -1 || next === undefined) break
      ends[next] = places[place] = now + durations[next]!
    }
  }
  return Math.max(0, ...ends)
}

/** By trying everything: each task that can come next, with each that can do it. */
function shortest({ tasks, members }: SchedulingProblem): number {
  const search = (ends: readonly (number | undefined)[], freeAt: readonly number[]): number => {
    let best = ends.includes(undefined) ? Infinity : Math.max(0, ...(ends as number[]))
    tasks.forEach(({ choices, after, earliest }, index) => {
      if (ends[index] !== undefined || after.some((before) => ends[before] === undefined)) return
      for (const { member, duration } of choices) {
        const end = Math.max(earliest, freeAt[member]!, ...after.map((before) => ends[before]!)) + duration
        best = Math.min(best, search(ends.with(index, end), freeAt.with(member, end)))
      }
    })
    return best
  }
  const none = tasks.map(() => undefined)
  return search(
    none,
    members.map(({ freeAt }) => freeAt[0]!),
  )
}
