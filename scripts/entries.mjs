import { readFileSync } from 'node:fs'

const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/**
 * What users import, as package.json says: the one list that build, documents and checks go by.
 * @type {{ specifier: string, name: string, source: string, types: string, default: string }[]}
 */
export const entries = Object.entries(exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([path, target]) => {
    const name = target.default.replace(/^\.\/dist\/(.+)\.js$/, '$1')
    return { specifier: path.replace('.', 'crewlog'), name, source: `src/${name}.ts`, ...target }
  })
