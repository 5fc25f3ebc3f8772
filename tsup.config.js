import { defineConfig } from 'tsup'

export default defineConfig({
  // A file for a file: bundlers drop what a page does not use file by file, and entries share their classes.
  entry: ['src/**/*.ts'],
  bundle: false,
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  clean: true,
})
