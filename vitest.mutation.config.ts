import { defineConfig } from 'vitest/config'

// For Stryker (scripts/mutation.mjs): the tests of what is mutated. Property tests run short.
export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    environment: 'node',
    include: (process.env['CREWLOG_MUTATION_TESTS'] ?? 'test/core/**/*.test.ts').split(' '),
    testTimeout: 30_000,
    env: { CREWLOG_RUNS: '10' },
  },
})
