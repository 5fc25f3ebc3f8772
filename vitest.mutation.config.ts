import { defineConfig } from 'vitest/config'

// For Stryker: what tests the core, without type tests and without what starts processes. Property tests run short.
export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    environment: 'node',
    include: ['test/core/**/*.test.ts', 'test/crew/**/*.test.ts'],
    testTimeout: 30_000,
    env: { CREWLOG_RUNS: '10' },
  },
})
