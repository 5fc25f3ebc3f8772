// The one gate: everything that a change must pass, the quick checks first.
import { spawnSync } from 'node:child_process'

const steps = [
  'format:check',
  'lint',
  'types',
  'coverage',
  'build',
  'publint',
  'attw',
  'browser',
  'size',
  'knip',
  'typedoc',
]

for (const step of steps) {
  console.log(`\n=== ${step}`)
  const start = performance.now()
  const { status } = spawnSync(`npm run --silent ${step}`, { shell: true, stdio: 'inherit' })
  if (status !== 0) {
    console.error(`=== ${step} failed`)
    process.exit(status ?? 1)
  }
  console.log(`=== ${step} passed in ${((performance.now() - start) / 1000).toFixed(1)} s`)
}
