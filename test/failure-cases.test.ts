import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const ID = /\b(?:TL|DG|CL|MS|EV|SA|MP|TM|RP|IN|SEC|BR|RL)-\d{2}\b/g

/** The table: each case with the tests that it names, and what it says without. */
const cases = readFileSync(join(root, 'docs/failure-cases.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, id, , shown] = /^\| (\S+-\d{2}) +\| (.*?) +\| (.*?) +\|$/.exec(line) ?? []
    if (id === undefined || shown === undefined) return []
    return { id, files: shown.match(/test\/[\w/.-]+\.test\.ts/g) ?? [], note: shown }
  })

/** The ids in the names of tests, by file. */
const shown = new Map(
  readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((name) => `test/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.test.ts') && name !== 'test/failure-cases.test.ts')
    .map((name) => [name, new Set(readFileSync(join(root, name), 'utf8').match(ID))]),
)

describe('the table of failure cases', () => {
  it('has each case once', () => {
    expect(cases.length).toBeGreaterThan(180)
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length)
  })

  it('names only tests that there are, and that name the case', () => {
    for (const { id, files, note } of cases) {
      if (!/^(?:cannot happen|later|open)/.test(note)) expect(files, id).not.toEqual([])
      for (const file of files) expect([...(shown.get(file) ?? [])], `${file} for ${id}`).toContain(id)
    }
  })

  it('has every case that a test names', () => {
    const known = new Set(cases.map(({ id }) => id))
    for (const [file, ids] of shown) for (const id of ids) expect(known, `${id} of ${file}`).toContain(id)
  })

  const { CREWLOG_DATA } = process.env
  const list = CREWLOG_DATA && join(CREWLOG_DATA, '..', 'design', 'failure-cases.md')
  it.runIf(list && existsSync(list))('has every case of the design', () => {
    const known = cases.map(({ id }) => id)
    for (const id of new Set(readFileSync(list as string, 'utf8').match(/(?<=^\* \*\*)[A-Z]+-\d{2}/gm)))
      expect(known).toContain(id)
  })
})
