import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assign, type Assigned } from '../../bench/assign/assign.js'
import { readProblems } from '../../bench/assign/problem-file.js'
import { schedule, type Scheduled } from '../../bench/assign/schedule.js'

// Recorded instances, and the figures that an independent program has for them.

interface ExpectedJobShop {
  readonly greedy_makespan: number
  readonly best_known_upper: number | null
}
interface ExpectedWorkflow {
  readonly workers: Readonly<Record<string, { readonly lower_bound_ms: number; readonly critical_path_ms: number }>>
}

const data = process.env['CREWLOG_DATA']

interface ExpectedAssignments {
  readonly assign100: { readonly optimum: number }
  readonly gap: Readonly<Record<string, { readonly optimum_max: number }>>
}

const text = (...path: string[]): Promise<string> => readFile(join(data!, ...path), 'utf8')
const expected = async <T>(name: string): Promise<T> => JSON.parse(await text('expected', name)) as T

/** The schedule of a file that holds work. */
async function scheduleOf(folder: string, file: string, members = 1): Promise<Scheduled> {
  const [problem] = readProblems(file, await text(folder, file), members)
  return problem && 'work' in problem ? schedule(problem.work) : expect.fail(`${file} holds no work`)
}

async function assignmentsOf(name: string): Promise<readonly (readonly [string, Assigned])[]> {
  const found: (readonly [string, Assigned])[] = []
  for (const problem of readProblems(name, await text('assignment', `${name}.txt`), 1))
    if ('instance' in problem) found.push([problem.instance.name, await assign(problem.instance)])
  return found
}

if (data === undefined) {
  if (process.env['CREWLOG_REQUIRE_SERVICES'] === '1')
    it('needs recorded data', () => expect.fail('CREWLOG_DATA must name the folder of recorded data'))
  else {
    console.log('Skipped: recorded assignments, job shops and workflows, as CREWLOG_DATA is not set')
    it.skip('solves recorded assignments, job shops and workflows')
  }
} else {
  const shops = Object.entries(await expected<Readonly<Record<string, ExpectedJobShop>>>('flexible-job-shop.json'))
  const workflows = Object.entries(await expected<Readonly<Record<string, ExpectedWorkflow>>>('workflows.json'))
  const { assign100, gap } = await expected<ExpectedAssignments>('assignment.json')
  const made = new Map<string, Promise<Scheduled>>()
  /** Each is scheduled once. */
  const scheduled = (name: string): Promise<Scheduled> => {
    const one = made.get(name) ?? scheduleOf('flexible-job-shop', `${name}.json`)
    made.set(name, one)
    return one
  }

  describe('optimal', () => {
    it('assigns a hundred tasks to a hundred members at the least cost, and knows that', async () => {
      const [[, assigned] = []] = await assignmentsOf('assign100')

      expect(assigned).toMatchObject({ total: assign100.optimum, bound: assign100.optimum, faults: [] })
    })

    it.each(['gap1', 'gap2', 'gap3', 'gap4'])(
      'is within 1 % of the most for %s, and within capacities',
      async (name) => {
        const assigned = await assignmentsOf(name)

        const names = Object.keys(gap).filter((one) => one.startsWith(name))
        expect(assigned.map(([one]) => one)).toEqual(names)
        for (const [one, { total, bound, faults }] of assigned) {
          const { optimum_max: most } = gap[one]!
          expect(faults).toEqual([])
          expect(total).toBeGreaterThanOrEqual(most * 0.99)
          expect(total).toBeLessThanOrEqual(most)
          expect(bound).toBeGreaterThanOrEqual(most)
        }
      },
    )
  })

  describe('criticalPath', () => {
    it.each(shops)('schedules the job shop %s as well as a greedy rule', async (name, { greedy_makespan }) => {
      const { makespan, faults } = await scheduled(name)

      expect(faults).toEqual([])
      expect(makespan).toBeLessThanOrEqual(greedy_makespan)
    })

    it('is in the mean at most 8 % above the best that is known', { timeout: 120_000 }, async () => {
      const excesses: number[] = []
      for (const [name, { best_known_upper: best }] of shops)
        if (best !== null) excesses.push((await scheduled(name)).makespan / best - 1)

      expect(excesses.length).toBeGreaterThan(0)
      expect(excesses.reduce((sum, excess) => sum + excess, 0) / excesses.length).toBeLessThanOrEqual(0.08)
    })

    it.each(workflows)(
      'schedules the workflow %s as well as list scheduling',
      { timeout: 120_000 },
      async (name, { workers }) => {
        for (const count of [2, 4, 8, 16]) {
          const { makespan, faults } = await scheduleOf('workflows', name, count)

          expect(faults).toEqual([])
          expect(makespan).toBeLessThanOrEqual(workers[count]!.critical_path_ms)
          expect(makespan).toBeGreaterThanOrEqual(workers[count]!.lower_bound_ms)
        }
      },
    )
  })
}
