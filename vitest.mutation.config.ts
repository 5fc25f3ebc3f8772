import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const tests = (process.env['CREWLOG_MUTATION_TESTS'] ?? 'test/core/**/*.test.ts').split(' ')

/** In the order of scripts/mutation.mjs, as the first test that fails ends the run: vitest would begin with the longest. */
class AsListed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number =>
      tests.findLastIndex((test) => moduleId.includes(`/${test.replace(/\*.*/, '')}`))
    return files.toSorted((a, b) => place(a) - place(b))
  }
}

// For Stryker (scripts/mutation.mjs): the tests of what is mutated. Property tests run short.
export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    environment: 'node',
    include: tests,
    sequence: { sequencer: AsListed },
    // Nothing here is global, and what is loaded once for all is loaded sooner.
    isolate: false,
    testTimeout: 30_000,
    env: { CREWLOG_RUNS: '10' },
  },
})
