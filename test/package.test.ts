import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
// @ts-expect-error a script without types
import { bundle as untypedBundle } from '../scripts/bundle.mjs'

const bundle = untypedBundle as (
  program: object,
  from: 'source' | 'default',
) => Promise<{ readonly code: string; readonly files: readonly string[] }>
const bundleOf = (...specifiers: readonly string[]) => {
  const contents = specifiers.map((specifier) => `export * from '${specifier}'`).join('\n')
  return bundle({ stdin: { contents, resolveDir: '.' } }, 'source')
}

it('the package runs nothing when it is installed, and brings two others (SEC-14)', () => {
  const { scripts, dependencies, repository } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { scripts: object; dependencies: object; repository: { url: string } }
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) expect(scripts).not.toHaveProperty(name)
  expect(Object.keys(dependencies)).toEqual(['eventemitter3', 'nanoid'])
  expect(repository.url).toMatch(/^git\+https:\/\/github\.com\//)
})

describe('a bundle for browsers', () => {
  it('stands alone: crewlog, its two dependencies, and nothing of Node', async () => {
    const { code, files } = await bundleOf(
      'crewlog',
      'crewlog/security',
      'crewlog/storage/indexeddb',
      'crewlog/testing',
    )
    expect(code).not.toMatch(/["'`]node:|\bimport\b|\brequire\(|\bprocess\.|\bBuffer\b/)
    const packages = files.map((file) => /^(src|node_modules\/[^/]+)\//.exec(file)?.[1] ?? file)
    expect(new Set(packages)).toEqual(new Set(['src', 'node_modules/eventemitter3', 'node_modules/nanoid', '<stdin>']))
  })

  it('is refused for what keeps files', async () => {
    await expect(bundleOf('crewlog/storage/file')).rejects.toThrow('Could not resolve "node:fs')
  })

  it('has nothing of the test kit when an app does not import it', async () => {
    const { files } = await bundleOf('crewlog')
    expect(files.filter((file) => /^src\/(testing|security|storage)\//.test(file))).toEqual([])
  })
})
