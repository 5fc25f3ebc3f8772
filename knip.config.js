import { entries } from './scripts/entries.mjs'

export default {
  entry: [...entries.map(({ source }) => source), 'test/**/*.test-d.ts', 'examples/*.ts', 'scripts/*.mjs'],
  project: ['{src,test,examples,bench,scripts}/**/*.{ts,mjs}'],
}
