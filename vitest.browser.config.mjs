// For `npm run browser` (scripts/browser.mjs), which opens the browser: what is built, in it.
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { bundle } from './scripts/bundle.mjs'
import { entries } from './scripts/entries.mjs'
import { writeSamples } from './scripts/samples.mjs'

writeSamples()

const path = (file) => new URL(file, import.meta.url).pathname

/** An app as it is deployed, in the place of its sources. */
const bundledApp = {
  name: 'bundled app',
  enforce: 'pre',
  resolveId: (id) => (id === './app.js' ? '\0app.js' : undefined),
  load: async (id) =>
    id === '\0app.js' ? (await bundle({ entryPoints: ['test/browser/app.ts'] }, 'default')).code : undefined,
}

/** What users import, built. */
const alias = entries.map((entry) => ({ find: new RegExp(`^${entry.specifier}$`), replacement: path(entry.default) }))

const inPage = {
  plugins: [bundledApp],
  resolve: { alias },
  test: {
    name: 'in a page',
    include: ['test/browser/*.test.ts', 'test/storage/memory.test.ts', 'test/samples/{README,testing}-*.test.ts'],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      instances: [{ browser: 'chromium' }],
      provider: playwright({ connectOptions: { wsEndpoint: process.env.CREWLOG_BROWSER } }),
    },
  },
}

/** Tests that drive several pages of the same browser. */
const withPages = { test: { name: 'with pages', include: ['test/browser/pages/*.test.ts'] } }

export default defineConfig({
  test: {
    projects: [inPage, withPages].map((project) => ({ ...project, test: { testTimeout: 60_000, ...project.test } })),
    silent: 'passed-only',
  },
})
