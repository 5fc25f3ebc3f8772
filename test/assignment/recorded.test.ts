import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isJobShop, readJobShop } from '../../bench/assign/job-shop-file.js'
import { schedule, type Scheduled } from '../../bench/assign/schedule.js'
import { workOf } from '../../bench/assign/workflow-work.js'
import { readInputFile } from '../../examples/demo/input-file.js'

// Recorded instances, and the figures that an independent program has for them.

interface ExpectedJobShop {
  readonly greedy_makespan: number
  readonly best_known_upper: number | null
}
interface ExpectedWorkflow {
  readonly workers: Readonly<Record<string, { readonly lower_bound_ms: number; readonly critical_path_ms: number }>>
}

const data = process.env['CREWLOG_DATA']

const parsed = async (...path: string[]): Promise<unknown> =>
  JSON.parse(await readFile(join(data!, ...path), 'utf8')) as unknown
const expected = async <T>(name: string): Promise<Readonly<Record<string, T>>> =>
  (await parsed('expected', name)) as Readonly<Record<string, T>>

if (data === undefined) {
  if (process.env['CREWLOG_REQUIRE_SERVICES'] === '1')
    it('needs recorded data', () => expect.fail('CREWLOG_DATA must name the folder of recorded data'))
  else {
    console.log('Skipped: recorded job shops and workflows, as CREWLOG_DATA is not set')
    it.skip('schedules recorded job shops and workflows')
  }
} else {
  const shops = Object.entries(await expected<ExpectedJobShop>('flexible-job-shop.json'))
  const workflows = Object.entries(await expected<ExpectedWorkflow>('workflows.json'))
  const made = new Map<string, Promise<Scheduled>>()
  const jobShop = async (name: string): Promise<Scheduled> => {
    const shop = await parsed('flexible-job-shop', `${name}.json`)
    return schedule(readJobShop(name, isJobShop(shop) ? shop : {}))
  }
  /** Each is scheduled once. */
  const scheduled = (name: string): Promise<Scheduled> => {
    const one = made.get(name) ?? jobShop(name)
    made.set(name, one)
    return one
  }

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
        const board = await readInputFile(join(data, 'workflows', name))
        for (const count of [2, 4, 8, 16]) {
          const { makespan, faults } = await schedule(workOf(board, count))

          expect(faults).toEqual([])
          expect(makespan).toBeLessThanOrEqual(workers[count]!.critical_path_ms)
          expect(makespan).toBeGreaterThanOrEqual(workers[count]!.lower_bound_ms)
        }
      },
    )
  })
}
