// What an app for browsers is made of: one file, minified, without what it does not use.
import { build } from 'esbuild'
import { join } from 'node:path'
import { entries } from './entries.mjs'

const root = join(import.meta.dirname, '..')

/**
 * Bundles a program that imports `crewlog` and its entries from the `'source'` or from what is built, the `'default'`.
 * Rejects when it needs a module of Node.
 * @param {import('esbuild').BuildOptions} program
 * @param {'source' | 'default'} from
 */
export async function bundle(program, from) {
  const alias = Object.fromEntries(entries.map((entry) => [entry.specifier, join(root, entry[from])]))
  const { outputFiles, metafile } = await build({
    ...program,
    alias,
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    logLevel: 'silent',
    metafile: true,
    minify: true,
    platform: 'browser',
    target: 'es2022',
    write: false,
  })
  return { code: outputFiles[0].text, files: Object.keys(metafile.inputs) }
}
