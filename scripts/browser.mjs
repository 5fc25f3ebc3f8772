// Runs what is built in a browser, with the tests that vitest.browser.config.mjs names: `npm run browser`, behind
// `npm run build`. The browser is the Chromium of CHROMIUM_PATH, or the first that is on PATH.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { CHROMIUM_ARGS, findChromium } from './chromium.mjs'
import { entries } from './entries.mjs'

/** More than the tests take many times over: whatever hangs is killed then. */
const DEADLINE_MS = 180_000

const root = join(import.meta.dirname, '..')

/** Resolves to whether the tests passed; kills them at the deadline. */
const runTests = (wsEndpoint) =>
  new Promise((resolve, reject) => {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const run = spawn(process.execPath, [vitest, 'run', '--config', 'vitest.browser.config.mjs'], {
      cwd: root,
      stdio: 'inherit',
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL',
      env: { ...process.env, CREWLOG_BROWSER: wsEndpoint },
    })
    run.on('error', reject)
    run.on('exit', (code, signal) => {
      if (signal) console.error(`Killed by ${signal}, at the latest after ${DEADLINE_MS / 1000} s`)
      resolve(code === 0)
    })
  })

const executablePath = findChromium()
const missing = entries.find((entry) => !existsSync(join(root, entry.default)))
if (missing) {
  console.error(`${missing.default} is not built: npm run build`)
  process.exitCode = 1
} else if (executablePath === undefined) {
  const isRequired = process.env.CREWLOG_REQUIRE_SERVICES === '1'
  console.log(
    `${isRequired ? 'Failed' : 'Skipped'}: tests in a browser, as there is no Chromium on PATH and CHROMIUM_PATH is not set`,
  )
  process.exitCode = isRequired ? 1 : 0
} else {
  // Ours and not vitest's, so that it ends with this process, whatever becomes of vitest.
  const browser = await chromium.launchServer({ executablePath, args: CHROMIUM_ARGS })
  try {
    process.exitCode = (await runTests(browser.wsEndpoint())) ? 0 : 1
  } finally {
    await browser.kill()
  }
}
