import js from '@eslint/js'
import boundaries from 'eslint-plugin-boundaries'
import { defineConfig } from 'eslint/config'
import { builtinModules } from 'node:module'
import tseslint from 'typescript-eslint'
import { categories, policies } from './eslint.arrows.js'

const outside = 'Time and chance come in through src/core/environment.ts; elsewhere disable this line and say why.'

const arrow =
  'A file of "{{from.file.categories}}" does not import from "{{to.file.categories}}": see eslint.arrows.js.'

const syntax = [
  { selector: 'ExportDefaultDeclaration, ExportSpecifier[exported.name="default"]', message: 'Export names.' },
  { selector: 'TSEnumDeclaration', message: 'Use a union of strings.' },
  {
    selector: 'ImportExpression[source.type!="Literal"]',
    message: 'Import by a literal name, so that arrows are seen.',
  },
]
const clocks = [
  {
    selector: 'NewExpression[callee.name="Date"][arguments.length=0], CallExpression[callee.name="Date"]',
    message: outside,
  },
]
const chance = { name: 'nanoid', message: outside }
const builtins = { regex: `^(node:|(${builtinModules.join('|')})(/|$))`, message: 'This code runs in browsers too.' }
const packages = { regex: '^(?!\\.{1,2}/|(eventemitter3|nanoid)$)', message: 'The core has two dependencies.' }

export default defineConfig(
  { ignores: ['dist', 'coverage', 'docs/api', 'test/samples', 'web-globals.d.ts', '.stryker'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'no-restricted-syntax': ['error', ...syntax],
      // `async` turns a throw of a method that a port declares as asynchronous into a rejection.
      '@typescript-eslint/require-await': 'off',
      // Numbers and booleans read well in a message.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // A listener may be asynchronous or not: `void | Promise<void>` says so.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // `() => emitter.off(…)` is shorter than a block, and nobody reads what it answers.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // What an abort signal or a member's code threw is passed on as it is.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      // `while (true)` is the plainest form of a retry.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // `const { secret, ...rest } = value` leaves something out; `_` marks what a signature asks for.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { boundaries },
    settings: {
      'import/resolver': { typescript: true },
      'boundaries/files': categories,
      'boundaries/files-single-match': true,
      'boundaries/dependency-nodes': ['import', 'export', 'dynamic-import'],
      'boundaries/additional-dependency-nodes': [
        { selector: 'TSImportType > Literal', kind: 'type', name: 'import-type' },
      ],
    },
    rules: {
      'boundaries/no-unknown-files': 'error',
      'boundaries/no-unknown-dependencies': 'error',
      'boundaries/dependencies': ['error', { default: 'disallow', policies, message: arrow }],
      'no-restricted-imports': ['error', { paths: [chance] }],
      'no-restricted-globals': [
        'error',
        {
          globals: ['setTimeout', 'setInterval', 'setImmediate', 'performance', 'crypto'].map((name) => ({
            name,
            message: outside,
          })),
          checkGlobalObject: true,
        },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: outside },
        { object: 'Math', property: 'random', message: outside },
        { object: 'AbortSignal', property: 'timeout', message: outside },
      ],
      'no-restricted-syntax': [
        'error',
        ...syntax,
        ...clocks,
        { selector: 'ExportAllDeclaration', message: 'Name what is exported.' },
      ],
    },
  },
  {
    files: ['src/{crew,reports,assignment}/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [chance], patterns: [builtins] }] },
  },
  {
    files: ['src/core/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [chance], patterns: [packages] }] },
  },
  {
    files: ['src/core/environment.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [packages] }],
      'no-restricted-globals': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-syntax': ['error', ...syntax],
    },
  },
  {
    files: ['test/**/*.ts', 'examples/**/*.ts', 'bench/**/*.ts', 'scripts/*.ts'],
    // A wrong `!` fails the test, which is what it should do.
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    // Tools read their configuration from a default export.
    files: ['*.config.{js,mjs,ts}'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.{js,mjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    // Scripts run on Node alone, with whatever it has.
    languageOptions: {
      globals: Object.fromEntries(Object.getOwnPropertyNames(globalThis).map((name) => [name, 'readonly'])),
    },
  },
)
