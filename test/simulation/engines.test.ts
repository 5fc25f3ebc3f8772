import { describe, expect, it } from 'vitest'
import { engineOf, SHARED_ENGINE_NAMES } from '../support/all-engines.js'
import { isMissing } from '../support/services.js'
import { ownJournal } from '../support/simulation/in-engine.js'
import { trial } from '../support/simulation/trial.js'

const SEEDS = [1, 2, 3, 4]

/** The long form is `npm run simulate -- --engine NAME`. */
for (const name of SHARED_ENGINE_NAMES) {
  const engine = await engineOf(name)
  describe.skipIf(await isMissing(engine.service))(`small crews with rivals over ${engine.name}`, () => {
    it(`keep every promise while everything goes wrong, seeds ${SEEDS.join(', ')}`, async () => {
      const place = await engine.make()
      const connection = await engine.connect(place)
      try {
        const trials = await Promise.all(SEEDS.map((seed) => trial(seed, {}, ownJournal(connection.storage, seed))))
        for (const { counts } of trials) expect(counts['commits']).toBeGreaterThan(0)
      } finally {
        await connection.close()
        await engine.remove(place)
      }
    }, 120_000)
  })
}
