import { describe, expect, it } from 'vitest'
import { engineOf } from '../all-engines.js'
import { isMissing } from '../services.js'
import { rivals } from './rivals.js'

const PROCESSES = 4
const TASKS = 600

/** Of an engine for many writers, by its name in `all-engines.ts`: `npm run bench:rivals` has more processes and tasks. */
export async function sharesWork(engine: string): Promise<void> {
  const { name, service } = await engineOf(engine)
  describe.skipIf(await isMissing(service))(`Processes that claim from one crew over ${name}`, () => {
    // Who gets how much shows only in the long form: with so few tasks it is mostly who was ready first.
    it('do each task once', async () => {
      const { problems } = await rivals({ engine, processes: PROCESSES, tasks: TASKS })
      expect(problems).toEqual([])
    }, 120_000)
  })
}
