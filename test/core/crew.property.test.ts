import fc from 'fast-check'
import { describe, it } from 'vitest'
import { aStory, play } from '../support/crew-story.js'

describe('a crew in three processes, on a storage that fails in every way', () => {
  it(
    'loses nothing, doubles nothing, makes no move outside the table, answers every command, and folds alike everywhere',
    () => fc.assert(fc.asyncProperty(aStory, play), { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 80) }),
    Number(process.env['CREWLOG_RUNS'] ?? 0) * 500 + 120_000,
  )
})
