import { describe, expect, it } from 'vitest'
import { engineOf } from '../all-engines.js'
import { isMissing } from '../services.js'
import { torture } from './torture.js'

/** How many processes are killed: CREWLOG_KILLS=200 for more, or `npm run torture -- --kills 200`. */
const KILLS = Number(process.env.CREWLOG_KILLS ?? 10)
const SECONDS_FOR_EACH = 10

/** Of an engine by its name in `all-engines.ts`: whatever processes are killed at, what they were told of is there, once, and the journal is sound. */
export async function survivesKills(engine: string): Promise<void> {
  const { name, service } = await engineOf(engine)
  describe.skipIf(await isMissing(service))(`A crew over ${name}`, () => {
    it(
      `keeps what processes were told, once, through ${KILLS} SIGKILLs at random moments (TL-15)`,
      async () => {
        const { kills, suspended, acknowledged, problems } = await torture({ engine, kills: KILLS, seed: 1 })
        expect(problems).toEqual([])
        expect(kills).toBe(KILLS)
        if (service) expect(suspended).toBeGreaterThan(0)
        expect(acknowledged).toBeGreaterThan(KILLS)
      },
      KILLS * SECONDS_FOR_EACH * 1000,
    )
  })
}
