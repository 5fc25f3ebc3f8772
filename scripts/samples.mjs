// Writes the TypeScript of README and docs into test/samples, where it is compiled and run like any test.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'test', 'samples')

/** What a sample assumes to be there. */
const PRELUDE = `Object.assign(globalThis, { myAgent: async () => ({ done: true }) })\n`

function* documents() {
  yield join(root, 'README.md')
  for (const entry of readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })) {
    const isGuide = entry.isFile() && entry.name.endsWith('.md') && !entry.parentPath.includes(join('docs', 'api'))
    if (isGuide) yield join(entry.parentPath, entry.name)
  }
}

/** The blocks of code of one language, with the line each begins in. */
export function* fences(file, language) {
  const lines = readFileSync(file, 'utf8').split('\n')
  for (let start = 0; start < lines.length; start++) {
    if (lines[start] !== '```' + language) continue
    const end = lines.indexOf('```', start)
    yield { line: start + 1, code: lines.slice(start + 1, end).join('\n') }
    start = end
  }
}

/** What each file of test/samples holds, by its path. */
function samples() {
  const texts = new Map()
  for (const file of documents()) {
    const name = basename(file, '.md')
    for (const { line, code } of fences(file, 'ts')) {
      const isTest = code.includes(`from 'vitest'`)
      const path = join(folder, `${name}-${line}`)
      if (isTest) texts.set(`${path}.test.ts`, code)
      else {
        texts.set(`${path}.sample.ts`, `${code}\n\nexport {}\n`)
        const run = `it('runs as ${name}.md says in line ${line}', async () => {\n  await import('./${name}-${line}.sample.js')\n})\n`
        texts.set(`${path}.test.ts`, `import { it } from 'vitest'\n\n${PRELUDE}\n${run}`)
      }
    }
  }
  return texts
}

/** Touches only what has changed, as something else may be reading. */
export function writeSamples() {
  const texts = samples()
  mkdirSync(folder, { recursive: true })
  const paths = readdirSync(folder).map((name) => join(folder, name))
  for (const path of paths) if (!texts.has(path)) rmSync(path, { recursive: true })
  for (const [path, text] of texts)
    if (!paths.includes(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
}

if (process.argv[1] === import.meta.filename) writeSamples()
