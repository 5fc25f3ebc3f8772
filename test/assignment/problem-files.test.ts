import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../bench/assign/run.js'

// What `npm run assign` makes of files.

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crewlog-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** Runs the program over files of this content, or with these arguments. */
async function solve(files: Readonly<Record<string, string>>, args: readonly string[] = [folder]) {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const lines: string[] = []
  const errors: string[] = []
  const code = await run([...args, '--json'], { out: (line) => lines.push(line), error: (line) => errors.push(line) })
  const results = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
  return { code, results, errors: errors.map((line) => line.replaceAll(join(folder, '/'), '')) }
}

const operation = (number: number, machine: number, duration: number) => ({ operation: number, machine, duration })
const jobShop = (operations: unknown, precedences: unknown): string => JSON.stringify({ operations, precedences })

const GAP = `
  2
  2 3
  9 1 1   1 1 9
  2 2 2   2 2 2
  2 4
  1 2   5 6   1 1   1`

describe('npm run assign', () => {
  it.each([
    ['after its size', ' 3\n 1 2 3\n 2 4 6\n 3 6 9\n'],
    ['without it', '\n 1 2 3 2 4 6\n 3 6 9\n'],
  ])('takes a square matrix of costs %s', async (_, text) => {
    const { code, results } = await solve({ 'm.txt': text })
    expect(code).toBe(0)
    expect(results).toEqual([
      { name: 'm', tasks: 3, members: 3, cost: 10, bound: 10, valid: true, ms: expect.any(Number) as number },
    ])
  })

  it('takes generalised assignment problems, and tells each', async () => {
    const { code, results } = await solve({ 'g.txt': GAP.replace(/1\s+1\s+1$/, '1 1 2') })
    expect(code).toBe(0)
    expect(results).toMatchObject([
      { name: 'g-1', tasks: 3, members: 2, value: 19, bound: 19, valid: true },
      { name: 'g-2', tasks: 2, members: 1, value: 11, bound: 11, valid: true },
    ])
  })

  it('says what is wrong with the answer where not all can be given', async () => {
    const { code, results } = await solve({ 'g.txt': GAP })
    expect(code).toBe(1)
    expect(results[1]).toMatchObject({ value: 6, valid: false, faults: ['task 1 is given to nobody'] })
  })

  it('takes a flexible job shop, whatever its unit of time', async () => {
    const ways = [operation(7, 0, 0.5), operation(7, 1, 2), operation(9, 0, 1.25), operation(9, 0, 1)]
    const { code, results } = await solve({ 's.json': jobShop(ways, [{ before: 7, after: 9 }]) })
    expect(code).toBe(0)
    expect(results).toMatchObject([{ name: 's', tasks: 2, members: 2, makespan: 1.5, valid: true }])
  })

  it('takes a workflow, whatever its tasks are called, for as many members as asked', async () => {
    const tasks = ['split!', 'left\u00a0#1', 'right', 'join?'].map((id) => ({ id, runtimeInSeconds: 2 }))
    const parents: Readonly<Record<string, readonly string[]>> = {
      'left\u00a0#1': ['split!'],
      right: ['split!'],
      'join?': ['left\u00a0#1', 'right'],
    }
    const specification = { tasks: tasks.map(({ id }) => ({ id, parents: parents[id] ?? [], children: [] })) }
    const text = JSON.stringify({ schemaVersion: '1.5', workflow: { specification, execution: { tasks } } })
    const path = join(folder, 'w.json')
    expect((await solve({ 'w.json': text }, [path, '--members', '1'])).results).toMatchObject([{ makespan: 8000 }])
    expect((await solve({}, [path, '--members', '2'])).results).toMatchObject([{ makespan: 6000, valid: true }])
  })

  it.each<[string, string, string | RegExp]>([
    ['m.txt', '', 'm.txt: is empty'],
    ['m.txt', '1 2\n3 four', 'm.txt: line 2: "four" is no number'],
    ['m.txt', '1 NaN', 'm.txt: line 1: "NaN" is no number'],
    ['m.txt', '1 2 3 4 5', /^m\.txt: has 5 numbers, which are no square matrix of costs; read as problems with/],
    ['m.txt', GAP.slice(0, -2), /problem 2 of 2, capacities: the file ends after 0 of 1 numbers$/],
    ['m.txt', GAP.slice(0, 36), /problem 1 of 2, needs: the file ends after 3 of 6 numbers$/],
    ['m.txt', `${GAP} 7`, /1 numbers are left over after the last of 2$/],
    ['m.txt', '1 0 3', /problem 1 of 1, members: must be a whole number from 1, not 0$/],
    ['m.txt', '1 1 1 5 -1 3', /problem 1 of 1, needs: must be from 0, not -1$/],
    ['s.json', '{"operations": [\n{', 's.json: is no JSON (line 2)'],
    ['s.json', '{}', /^s\.json: is JSON, but neither a flexible job shop/],
    ['s.json', jobShop([], []), 's.json: has no tasks'],
    ['s.json', jobShop([1], []), 's.json: operations[0]: operation must be a whole number from 0, not left out'],
    ['s.json', jobShop([operation(0.5, 0, 1)], []), /operations\[0\]: operation must be a whole number from 0, not 0\.5/],
    ['s.json', jobShop([operation(0, 0, 1), operation(1, 0, -1)], []), /operations\[1\]: duration must be .*, not -1$/],
    ['s.json', jobShop([operation(0, 0, 1)], [{ before: 0 }]), /precedences\[0\]: after must be .*, not left out$/],
    ['s.json', jobShop([operation(0, 0, 1)], [{ before: 0, after: 3 }]), 's.json: precedences[0]: there is no operation 3'],
    ['s.json', jobShop([operation(0, 0, 1)], [{ before: 0, after: 0 }]), /wait for each other: operation 0 → operation 0$/],
    ['s.json', jobShop([operation(0, 0, 1e-9)], []), /a duration has more than six decimals$/],
    ['w.json', '{"workflow": {}, "schemaVersion": "1.4"}', /^w\.json: is WfFormat 1\.4; only 1\.5 can be read$/],
  ])('says of a bad file what is wrong and where: %s %j', async (name, text, message) => {
    const { code, results, errors } = await solve({ [name]: text })
    expect([code, results]).toEqual([1, []])
    expect(errors).toEqual([typeof message === 'string' ? message : expect.stringMatching(message)])
  }) // prettier-ignore

  it('goes on with the other files of a folder, in the order of their names', async () => {
    const { code, results, errors } = await solve({ 'a.txt': '1', 'b.txt': 'x', 'c.txt': '1', LICENSE: 'x' })
    expect(code).toBe(1)
    expect(results.map(({ name }) => name)).toEqual(['a', 'c'])
    expect(errors).toEqual(['b.txt: line 1: "x" is no number'])
  })

  it.each<[string, () => readonly string[], RegExp]>([
    ['nothing', () => [], /^npm run assign -- FILE/],
    ['no such file', () => [join(folder, 'x.txt')], /^x\.txt: there is no such file$/],
    ['an empty folder', () => [join(folder, 'empty')], /^empty: holds no \.json or \.txt files$/],
    ['a wrong number of members', () => [folder, '--members', '0'], /^--members must be a whole number from 1/],
    ['an unknown option', () => [folder, '--quick'], /quick[^]*npm run assign -- FILE/],
  ])('refuses %s', async (_, args, message) => {
    await mkdir(join(folder, 'empty'))
    const { code, errors } = await solve({}, args())
    expect(code).toBe(1)
    expect(errors).toEqual([expect.stringMatching(message)])
  })
})
