import { describe, expect, it } from 'vitest'
import { trial } from '../support/simulation/trial.js'

/** The long form is `npm run simulate`. */
const SEEDS = Number(process.env['CREWLOG_SEEDS'] ?? 60)

describe('small crews with rivals in three processes, while everything goes wrong', () => {
  it(
    `keep every promise, seeds 1 to ${String(SEEDS)}`,
    async () => {
      const counts: Record<string, number> = {}
      for (let seed = 1; seed <= SEEDS; seed++) {
        const done = await trial(seed)
        for (const [what, times] of Object.entries(done.counts)) counts[what] = (counts[what] ?? 0) + times
      }
      // Else nothing was proven.
      for (const what of ['decided again', 'lost lease', 'takeover', 'crash', 'stall', 'suspend', 'clock step'])
        expect(counts[what], what).toBeGreaterThan(0)
    },
    60_000 + SEEDS * 1000,
  )
})
