import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

it('the package runs nothing when it is installed, and brings two others (SEC-14)', () => {
  const { scripts, dependencies, repository } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { scripts: object; dependencies: object; repository: { url: string } }
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) expect(scripts).not.toHaveProperty(name)
  expect(Object.keys(dependencies)).toEqual(['eventemitter3', 'nanoid'])
  expect(repository.url).toMatch(/^git\+https:\/\/github\.com\//)
})
