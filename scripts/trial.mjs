// Builds, packs, and installs the tarball into an empty project of each kind, where the README's first sample must run.
// `npm run trial -- jest vite` tries only projects with one of these words in their name.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projects } from './trial-projects.mjs'

const root = join(import.meta.dirname, '..')
const npmInstall = 'npm install --prefer-offline --no-audit --no-fund'

function run(command, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, { cwd, shell: true, encoding: 'utf8', timeout: 300_000 })
  return { succeeded: status === 0, output: `${stdout}${stderr}${error ?? ''}` }
}

function mustRun(command, cwd) {
  const { succeeded, output } = run(command, cwd)
  if (!succeeded) throw new Error(`${command} failed:\n${output}`)
}

/** Throws when the project does not do what it should; answers whether it could be tried. */
function trial(project, folder, tarball) {
  const { type, files, install, optional = false, command, prints, fails = false, check } = project
  const manifest = { private: true, type, scripts: { trial: command } }
  for (const [file, text] of Object.entries({ ...files, 'package.json': JSON.stringify(manifest) })) {
    writeFileSync(join(folder, file), text)
  }
  const installed = run([npmInstall, `"${tarball}"`, ...install].join(' '), folder)
  if (!installed.succeeded && optional) return false
  if (!installed.succeeded) throw new Error(installed.output)
  const { succeeded, output } = run('npm run --silent trial', folder)
  if (succeeded === fails) throw new Error(`${command} ${fails ? 'succeeded' : 'failed'}:\n${output}`)
  const missing = prints.filter((text) => !output.includes(text))
  if (missing.length > 0) throw new Error(`${command} did not print ${missing.join(', ')}, but:\n${output}`)
  check?.(folder)
  return true
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'crewlog-trial-'))
const remove = (folder) => rmSync(folder, { recursive: true, force: true })

mustRun('npm run build', root)
const packed = newFolder()
mustRun(`npm pack --pack-destination "${packed}"`, root)
const tarball = join(packed, ...readdirSync(packed))

const words = process.argv.slice(2).map((word) => word.toLowerCase())
const chosen = projects.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word)),
)
for (const project of chosen) {
  const folder = newFolder()
  const start = performance.now()
  const tell = (how) =>
    console.log(`${how} ${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s  ${project.name}`)
  try {
    tell(trial(project, folder, tarball) ? 'passed ' : 'skipped')
    remove(folder)
  } catch (error) {
    tell('failed ')
    console.error(`${error.message}\nkept: ${folder}\n`)
    process.exitCode = 1
  }
}
remove(packed)
