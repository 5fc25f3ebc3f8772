// The projects that `npm run trial` makes, each around the README's first sample.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { entries } from './entries.mjs'
import { fences } from './samples.mjs'

const root = join(import.meta.dirname, '..')
const [{ code: sample }] = fences(join(root, 'README.md'), 'ts')
const [{ code: jestConfig }] = fences(join(root, 'docs', 'testing.md'), 'js')

/** The guide's first test, and the one of a storage; without the import, for runners whose functions are global. */
const guide = [...fences(join(root, 'docs', 'testing.md'), 'ts')].map(({ code }) => code)
const kitTest = guide[0]
const contractTest = guide.find((code) => code.includes('storageContract({'))
const withGlobals = (code) => code.replace(/^import .+ from 'vitest'$/m, '')
const kit = { 'kit.test.js': withGlobals(kitTest), 'contract.test.js': withGlobals(contractTest) }

/** What the sample prints, wherever it runs. */
const PRINTED = [
  'done: Implement feature A',
  'done: Test feature A',
  '## Summary',
  '| tasks | 2 |',
  '| completed | 2 |',
]

const AGENT = `const myAgent = async (member, task) => member + ' did ' + task.description`
const TYPED_AGENT = `import type { Task } from 'crewlog'
const myAgent = async (member: string, task: Task): Promise<string> => member + ' did ' + task.description`

const imports = sample.match(/^import .+$/gm).join('\n')
const body = sample.replace(/^import .+\n+/gm, '')

const esm = [imports, AGENT, body].join('\n\n')
const typed = [imports, TYPED_AGENT, body].join('\n\n')
// Neither a CommonJS module nor a test awaits at its top.
const requires = imports.replace(/^import (.+) from (.+)$/gm, 'const $1 = require($2)')
const commonjs = `${requires}\n\n${AGENT}\n\nasync function main() {\n${body}\n}\nmain()\n`
const typedFunction = `${imports}\n${TYPED_AGENT}\n\nasync function main(): Promise<void> {\n${body}\n}\nvoid main()\n`
const test = `${imports}\n\n${AGENT}\n\nit('runs the sample', async () => {\n${body}\n})\n`

/** Something of every entry, at work together, and what it prints. */
const everyEntry = `import { openCrew } from 'crewlog'
import { optimal } from 'crewlog/assignment'
import { defineReport } from 'crewlog/reports'
import { quote, rolePolicy } from 'crewlog/security'
import { fileStorage } from 'crewlog/storage/file'
import { indexedDbStorage } from 'crewlog/storage/indexeddb'
import { natsStorage } from 'crewlog/storage/nats'
import { redisStorage } from 'crewlog/storage/redis'
import { sqlStorage } from 'crewlog/storage/sql'
import { checkJournal, completes, manualEnvironment, scriptedMember } from 'crewlog/testing'

const environment = manualEnvironment()
const storage = fileStorage('journals')
const policy = rolePolicy({ ana: 'worker', bo: 'worker' })
const strategy = optimal({ cost: (_, member) => (member.id === 'bo' ? 1 : 2) })
const crew = await openCrew({ storage, environment, policy, name: 'shop', assignment: { strategy } })
for (const id of ['ana', 'bo']) await scriptedMember(crew, id, { script: [completes('done by ' + id)] })
const [{ id }] = await crew.tracker.createMany([{ description: 'Tides', labels: ['sea'] }])
const task = await crew.tracker.whenEnded(id)
console.log('result:', task.result, quote(task).includes('Tides'))
const byLabel = defineReport({ name: 'By label', of: 'tasks', groupBy: 'labels', measures: { count: 'count' } })
console.log('report:', JSON.stringify(crew.reports.generate(byLabel).data.rows))
await crew.close()
console.log('broken:', JSON.stringify(await checkJournal(storage, 'shop')))
console.log('in browsers:', indexedDbStorage('shop').writers)
console.log('over servers:', [natsStorage, redisStorage, sqlStorage].map(({ name }) => name).join())
`
/** The optional peers of these entries. */
const peers = ['@nats-io/jetstream@3.3.1', 'kysely@0.28.18']
const forgotten = entries.filter(({ specifier }) => !everyEntry.includes(`'${specifier}'`))
if (forgotten.length > 0) throw new Error(`No trial imports ${forgotten.map(({ specifier }) => specifier).join(', ')}`)

/** An app for browsers that keeps its crew. */
const kept = `import { openCrew } from 'crewlog'
import { indexedDbStorage } from 'crewlog/storage/indexeddb'

const storage = indexedDbStorage('app')
const crew = await openCrew({ storage })
await crew.tracker.create({ description: 'Tides' })
await crew.close()
const again = await openCrew({ storage })
console.log('found again:', again.tracker.list()[0].description)
await again.close()
`

const typescript = 'typescript@5.9.3'
const nodeTypes = '@types/node@20.19.43'
const tsconfig = (options) =>
  JSON.stringify({
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      target: 'es2022',
      outDir: 'dist',
      ...options,
    },
    include: ['*.ts'],
  })

const bundler = { module: 'esnext', moduleResolution: 'bundler' }

const viteConfig = `export default {
  build: {
    modulePreload: { polyfill: false }, // It needs a document.
    rollupOptions: { output: { entryFileNames: 'bundle.js' } },
  },
}
`

/** A bundle for browsers stands alone, and has nothing of Node. */
function standsAlone(folder) {
  const bundle = readFileSync(join(folder, 'dist', 'bundle.js'), 'utf8')
  const [found] = /["'`]node:|\bimport\b|\brequire\(/.exec(bundle) ?? []
  if (found) throw new Error(`the bundle has ${found}`)
}

/**
 * Each is a folder of `type` ('module' unless it says otherwise) with `files`, where `install` and the tarball are
 * installed. Its `command` must succeed and print all of `prints`, or with `fails` do the opposite, and then `check`
 * must not throw. With `optional`, what cannot be installed is skipped.
 */
export const projects = [
  { name: 'ESM', files: { 'main.js': esm }, command: 'node main.js' },
  {
    name: 'every entry, ESM',
    install: peers,
    files: { 'main.js': everyEntry },
    command: 'node main.js',
    prints: [
      'result: done by bo true',
      'report: [{"group":"sea","count":1}]',
      'broken: []',
      'in browsers: many',
      'over servers: natsStorage,redisStorage,sqlStorage',
    ],
  },
  {
    name: 'every entry, TypeScript',
    install: [typescript, nodeTypes, ...peers],
    files: {
      'main.ts': everyEntry.replace('const [{ id }] =', 'const [{ id } = { id: "" }] ='),
      'tsconfig.json': tsconfig({
        module: 'nodenext',
        lib: ['es2022'],
        types: ['node'],
        // The declarations of @nats-io/nats-core do not stand it.
        exactOptionalPropertyTypes: false,
      }),
    },
    command: 'tsc && node dist/main.js',
    prints: ['result: done by bo true', 'broken: []'],
  },
  { name: 'CommonJS, by require', type: 'commonjs', files: { 'main.js': commonjs }, command: 'node main.js' },
  {
    name: 'ESM on Node 24',
    install: ['node@24'],
    optional: true,
    files: { 'main.js': esm },
    command: 'node --version && node main.js',
    prints: ['v24.', ...PRINTED],
  },
  {
    name: 'Vite, for browsers',
    install: ['vite@8.3.8'],
    files: {
      'index.html': '<script type="module" src="main.js"></script>',
      'main.js': esm,
      'vite.config.js': viteConfig,
    },
    command: 'vite build && node dist/bundle.js',
    check: standsAlone,
  },
  {
    name: 'Vite, for browsers, kept in IndexedDB',
    install: ['vite@8.3.8', 'fake-indexeddb@6.2.8'],
    files: {
      'index.html': '<script type="module" src="main.js"></script>',
      'main.js': kept,
      'vite.config.js': viteConfig,
      'browser.js': `import 'fake-indexeddb/auto'\nawait import('./dist/bundle.js')\n`,
    },
    command: 'vite build && node browser.js',
    prints: ['found again: Tides'],
    check: standsAlone,
  },
  {
    name: 'vitest',
    install: ['vitest@4.1.12'],
    files: {
      'sample.test.js': `import { it } from 'vitest'\n${test}`,
      'kit.test.js': kitTest,
      'contract.test.js': contractTest,
    },
    command: 'vitest run',
  },
  {
    name: 'Jest, CommonJS tests',
    type: 'commonjs',
    install: ['jest@30.5.2', '@babel/preset-env@7.29.14'],
    files: { 'sample.test.js': test, ...kit, 'jest.config.js': jestConfig },
    command: 'jest',
  },
  {
    name: 'Jest, jsdom',
    type: 'commonjs',
    install: ['jest@30.5.2', 'jest-environment-jsdom@30.5.2', '@babel/preset-env@7.29.14'],
    files: { 'sample.test.js': test, ...kit, 'jest.config.js': jestConfig },
    command: 'jest --env=jsdom',
  },
  {
    name: 'Jest, ESM tests',
    install: ['jest@30.5.2'],
    files: { 'sample.test.js': test, ...kit, 'jest.config.js': 'export default { transform: {} }\n' },
    command: 'node --experimental-vm-modules node_modules/jest/bin/jest.js',
  },
  {
    name: 'node:test',
    files: { 'contract.test.js': contractTest.replace("'vitest'", "'node:test'") },
    command: 'node --test --test-reporter=spec contract.test.js',
    prints: ['my storage: append', 'fail 0'],
  },
  {
    name: 'TypeScript, types of Jest',
    install: [typescript, nodeTypes, '@types/jest@30.0.0'],
    files: {
      'kit.test.ts': withGlobals(kitTest),
      'tsconfig.json': tsconfig({ module: 'nodenext', types: ['node', 'jest'], skipLibCheck: true }),
    },
    command: 'tsc',
    prints: [],
  },
  {
    name: 'TypeScript, types of vitest',
    install: [typescript, nodeTypes, 'vitest@4.1.12'],
    files: {
      'kit.test.ts': kitTest,
      'tsconfig.json': tsconfig({ module: 'nodenext', types: ['node'], skipLibCheck: true }),
    },
    command: 'tsc',
    prints: [],
  },
  {
    name: 'TypeScript, nodenext, no DOM',
    install: [typescript, nodeTypes],
    files: { 'main.ts': typed, 'tsconfig.json': tsconfig({ module: 'nodenext', lib: ['es2022'], types: ['node'] }) },
    command: 'tsc && node dist/main.js',
  },
  {
    name: 'TypeScript, bundler, no types of Node',
    install: [typescript],
    files: { 'main.ts': typed, 'tsconfig.json': tsconfig({ ...bundler, types: [] }) },
    command: 'tsc && node dist/main.js',
  },
  {
    name: 'TypeScript, bundler, neither DOM nor types of Node',
    install: [typescript],
    files: {
      'main.ts': typed,
      // Whatever platform it is: an AbortSignal is all that crewlog's declarations need of it.
      'globals.d.ts': 'interface AbortSignal {}\ndeclare const console: { log(...data: unknown[]): void }\n',
      'tsconfig.json': tsconfig({ ...bundler, lib: ['es2022'], types: [] }),
    },
    command: 'tsc && node dist/main.js',
  },
  {
    name: 'TypeScript, CommonJS, nodenext and node20',
    type: 'commonjs',
    install: [typescript, nodeTypes],
    files: { 'main.ts': typedFunction, 'tsconfig.json': tsconfig({ module: 'nodenext', types: ['node'] }) },
    command: 'tsc --module node20 && tsc && node dist/main.js',
  },
  {
    name: 'TypeScript, CommonJS, node16: refused with TS1479',
    type: 'commonjs',
    install: [typescript, nodeTypes],
    files: { 'main.ts': typedFunction, 'tsconfig.json': tsconfig({ module: 'node16', types: ['node'] }) },
    command: 'tsc',
    fails: true,
    prints: ['error TS1479'],
  },
].map((project) => ({ type: 'module', install: [], prints: PRINTED, ...project }))
