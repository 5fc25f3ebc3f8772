// Runs a program of `bench` as it is shipped, compiled like the package: `node scripts/bench.mjs NAME [arguments]`. Not by
// tsx, which gives each function its name when it is made: that slows what makes many down by a tenth and more.
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const [name, ...given] = process.argv.slice(2)
// Within the reach of node_modules: packages are imported as they are.
const cache = join(import.meta.dirname, '..', 'node_modules', '.cache')
mkdirSync(cache, { recursive: true })
const folder = mkdtempSync(join(cache, 'crewlog-bench-'))
try {
  const shared = {
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    sourcemap: 'inline',
    // What a program imports later is loaded later: the client of an engine that is not asked for must cost nothing.
    splitting: true,
    outExtension: { '.js': '.mjs' },
  }
  await build({ ...shared, entryPoints: [`bench/${name}.ts`], outdir: folder })
  const flags = ['--expose-gc', '--enable-source-maps', '--max-old-space-size=8000']
  process.exitCode =
    spawnSync(process.execPath, [...flags, join(folder, `${name}.mjs`), ...given], { stdio: 'inherit' }).status ?? 1
} finally {
  rmSync(folder, { recursive: true })
}
