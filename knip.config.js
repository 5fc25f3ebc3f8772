export default {
  entry: ['test/**/*.test-d.ts', 'examples/*.ts', 'bench/*.ts', 'test/support/*/program.ts', 'scripts/*.mjs'],
  project: ['{src,test,examples,bench,scripts}/**/*.{ts,mjs}'],
}
