import { describe, expect, it } from 'vitest'
import { ruledTrial } from '../support/simulation/ruled-trial.js'

/** The long form is `npm run simulate -- --world rules`. */
const SEEDS = Number(process.env['CREWLOG_RULED_SEEDS'] ?? 15)

describe('crews with a policy, budgets and kinds, whose journal is trimmed under load', () => {
  it(
    `keep every promise, seeds 1 to ${String(SEEDS)}`,
    async () => {
      const counts: Record<string, number> = {}
      for (let seed = 1; seed <= SEEDS; seed++) {
        const done = await ruledTrial(seed)
        for (const [what, times] of Object.entries(done.counts)) counts[what] = (counts[what] ?? 0) + times
      }
      // Else nothing was proven.
      for (const what of [
        'answered permission_denied',
        'answered invalid_input',
        'answered budget_spent',
        'budget of a member spent',
        'trim',
        'resynced',
        'resynced while it worked',
      ])
        expect(counts[what], what).toBeGreaterThan(0)
    },
    60_000 + SEEDS * 5000,
  )
})
