import { defineConfig } from 'tsup'
import { entries } from './scripts/entries.mjs'

export default defineConfig({
  entry: Object.fromEntries(entries.map(({ name, source }) => [name, source])),
  format: 'esm',
  target: 'es2022',
  // Entries share their classes through common chunks: otherwise `instanceof` fails between them.
  splitting: true,
  sourcemap: true,
  clean: true,
  // tsup would write 'fs' for 'node:fs', which Deno and bundlers for the edge refuse.
  removeNodeProtocol: false,
})
