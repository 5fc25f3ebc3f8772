import { defineConfig } from 'vitest/config'
// @ts-expect-error a script without types
import { writeSamples } from './scripts/samples.mjs'

// Before anything is collected: the code of README and docs.
;(writeSamples as () => void)()

/** Files that share processes, so that what they import is loaded once for all. */
const TOGETHER = [
  'test/*.test.ts',
  'test/{assignment,core,crew,reports,samples,security,simulation,testing}/**/*.test.ts',
]

export default defineConfig({
  // `crewlog` and its entries mean the sources, as in tsconfig.json.
  resolve: { tsconfigPaths: true },
  test: {
    environment: 'node',
    testTimeout: 30_000,
    // Else one core is left idle, which on two is half of them.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: TOGETHER,
          isolate: false,
          setupFiles: 'test/support/leaves-nothing.ts',
          typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: 'tsconfig.json' },
        },
      },
      {
        extends: true,
        test: {
          name: 'apart',
          include: ['test/**/*.test.ts'],
          // `npm run browser` has its own.
          exclude: [...TOGETHER, 'test/browser/**'],
          // After the others, whose processes would not be shared if these came in between.
          sequence: { groupOrder: 1 },
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'lcovonly'],
      thresholds: { lines: 95, branches: 90 },
    },
  },
})
