export default {
  entry: ['test/**/*.test-d.ts', 'examples/*.ts', 'bench/*.ts', 'scripts/*.mjs', 'scripts/pictures.ts'],
  project: ['{src,test,examples,bench,scripts}/**/*.{ts,mjs}'],
}
