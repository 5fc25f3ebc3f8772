import { defineConfig } from 'vitest/config'
// @ts-expect-error a script without types
import { writeSamples } from './scripts/samples.mjs'

// Before anything is collected: the code of README and docs.
;(writeSamples as () => void)()

export default defineConfig({
  // `crewlog` and its entries mean the sources, as in tsconfig.json.
  resolve: { tsconfigPaths: true },
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    // Of `npm run browser`.
    exclude: ['test/browser/**'],
    testTimeout: 30_000,
    // Else one core is left idle, which on two is half of them.
    maxWorkers: '100%',
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: 'tsconfig.json' },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'lcovonly'],
      thresholds: { lines: 95, branches: 90 },
    },
  },
})
