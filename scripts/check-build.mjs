// Fails when exports, sources, tsconfig paths and built files do not tell the same story, or when what was built asks
// more of a user's compiler than it should.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import ts from 'typescript'
import { entries } from './entries.mjs'

const problems = []
const filesOf = (folder) => readdirSync(folder, { recursive: true }).map((file) => posix.join(...file.split(/[\\/]/)))

for (const { specifier, name, ...target } of entries) {
  if (Object.keys(target).join() !== 'source,types,default') problems.push(`${specifier}: wants { types, default }`)
  if (target.types !== `./dist/${name}.d.ts`) problems.push(`${specifier}: types and default differ in name`)
  for (const file of [target.types, target.default]) {
    if (!existsSync(file)) problems.push(`${specifier}: ${file} is not built`)
  }
}

const built = filesOf('dist')
const exported = new Set(entries.map(({ name }) => name))
for (const file of built) {
  const source = join('src', file.replace(/(\.d)?\.[jt]s(\.map)?$/, '.ts'))
  if (!existsSync(source)) problems.push(`dist/${file} has no source`)
  if (!file.endsWith('.map')) continue
  const { sources } = JSON.parse(readFileSync(join('dist', file), 'utf8'))
  for (const source of sources) {
    if (!existsSync(join('dist', dirname(file), source))) problems.push(`dist/${file} points at ${source}: not shipped`)
  }
}
for (const { specifier, types } of entries) {
  if (!built.includes(`${posix.normalize(types).slice('dist/'.length)}.map`))
    problems.push(`${specifier}: no declaration map`)
}

const isPublic = /^((storage|connect)\/[^/]+|[^/]+\/index)\.ts$/
for (const file of filesOf('src')) {
  if (isPublic.test(file) && !exported.has(file.slice(0, -3))) problems.push(`src/${file} has no entry in exports`)
}

const { paths } = ts.readConfigFile('tsconfig.json', ts.sys.readFile).config.compilerOptions
const wanted = Object.fromEntries(entries.map(({ specifier, source }) => [specifier, [`./${source}`]]))
const sorted = (record) => JSON.stringify(Object.entries(record).sort())
if (sorted(paths) !== sorted(wanted)) problems.push(`tsconfig.json: paths should be ${JSON.stringify(wanted)}`)

// A browser's project has the DOM and no types of Node, and may check its libraries.
const portable = entries
  .filter(({ name }) => !/^(storage\/(?!indexeddb)|connect\/)/.test(name))
  .map(({ types }) => types)
const { options } = ts.convertCompilerOptionsFromJson(
  { noEmit: true, strict: true, module: 'nodenext', types: [], lib: ['es2022', 'dom'] },
  '.',
)
const complaints = ts.getPreEmitDiagnostics(ts.createProgram(portable, options))
if (complaints.length > 0) {
  const host = { getCanonicalFileName: String, getCurrentDirectory: () => '.', getNewLine: () => '\n' }
  problems.push(`declarations do not compile for a browser:\n${ts.formatDiagnostics(complaints, host)}`)
}

for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
