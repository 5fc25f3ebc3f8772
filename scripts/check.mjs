// The one gate: everything that a change must pass, the quick checks first. Two lanes go on beside each other, and the
// first failure ends both. `-- --without STEP` leaves out what has just been run by itself.
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'

const CODE = ['lint', 'knip', 'typedoc']
const PACKAGE = ['format:check', 'types', 'build', 'publint', 'attw', 'size', 'browser']
/** By themselves, as they take every processor. */
const TESTS = ['coverage']

const options = { without: { type: 'string', multiple: true, default: [] } }
const { without } = parseArgs({ options }).values
const unknown = without.find((step) => ![...CODE, ...PACKAGE, ...TESTS].includes(step))
if (unknown !== undefined) throw new Error(`There is no step ${unknown}`)

const running = new Set()

/** Ends whatever goes on, with all that it has started. */
function end(code) {
  for (const { pid } of running) {
    try {
      process.kill(-pid)
    } catch {
      // It has just ended by itself.
    }
  }
  process.exit(code)
}
process.on('SIGINT', () => end(130))
process.on('SIGTERM', () => end(143))

/** Runs a step, and gives what it says to `show`, if it does not say it itself. */
async function run(step, output, show) {
  const child = spawn(`npm run --silent ${step} 2>&1`, { shell: true, detached: true, stdio: ['ignore', output, 2] })
  running.add(child)
  child.stdout?.setEncoding('utf8').on('data', show)
  const code = await new Promise((resolve) => child.on('close', resolve))
  running.delete(child)
  return code
}

/** Shows what a step says once it has ended, so that no two speak at once. */
async function runInLane(step) {
  let said = ''
  const code = await run(step, 'pipe', (text) => (said += text))
  process.stdout.write(`\n=== ${step}\n${said}`)
  return code
}

function runAlone(step) {
  console.log(`\n=== ${step}`)
  return run(step, 'inherit')
}

async function runInTurn(steps, runStep) {
  for (const step of steps.filter((name) => !without.includes(name))) {
    const start = performance.now()
    const code = await runStep(step)
    const outcome = code === 0 ? `passed in ${((performance.now() - start) / 1000).toFixed(1)} s` : 'failed'
    console.log(`=== ${step} ${outcome}`)
    if (code !== 0) end(code ?? 1)
  }
}

await Promise.all([CODE, PACKAGE].map((lane) => runInTurn(lane, runInLane)))
await runInTurn(TESTS, runAlone)
