import { openCrew } from 'crewlog'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadBoard } from '../../examples/demo/board.js'
import { readInputFile } from '../../examples/demo/input-file.js'
import { demo, figuresOf, temporaryFolder } from '../support/demo-run.js'

// Recorded boards and workflows of other projects, and what an independent program says of them.

interface ExpectedBoard {
  readonly issues: number
  readonly closed: number
  readonly dependency_types: { readonly blocks: number }
  readonly ruleA: {
    readonly ready: number
    readonly blocked: number
    readonly first_10_by_priority_created_id: readonly string[]
  }
}
interface ExpectedWorkflow {
  readonly tasks: number
  readonly edges: number
  readonly roots: number
  readonly workers: Readonly<Record<string, { readonly lower_bound_ms: number; readonly critical_path_ms: number }>>
}

const data = process.env['CREWLOG_DATA']
const folder = temporaryFolder()

const expected = async <T>(name: string): Promise<Readonly<Record<string, T>>> =>
  JSON.parse(await readFile(join(data!, 'expected', name), 'utf8')) as Readonly<Record<string, T>>

if (data === undefined) {
  if (process.env['CREWLOG_REQUIRE_SERVICES'] === '1')
    it('needs recorded data', () => expect.fail('CREWLOG_DATA must name the folder of recorded data'))
  else {
    console.log('Skipped: recorded boards and workflows, as CREWLOG_DATA is not set')
    it.skip('works off recorded boards and workflows')
  }
} else {
  const boards = Object.entries(await expected<ExpectedBoard>('boards.json'))
  const workflows = Object.entries(await expected<ExpectedWorkflow>('workflows.json'))

  it('knows the figures of every recorded board and workflow', async () => {
    const names = async (kind: string): Promise<readonly string[]> =>
      (await readdir(join(data, kind))).filter((name) => /\.jsonl?$/.test(name)).sort()

    expect(boards.map(([name]) => name).sort()).toEqual(await names('boards'))
    expect(workflows.map(([name]) => name).sort()).toEqual(await names('workflows'))
  })

  it.each(boards)('works off the board %s', async (name, { issues, dependency_types: { blocks }, ruleA, closed }) => {
    const { code, out } = await demo([join(data, 'boards', name), '--folder', folder(), '--json'])
    const { completed, failed, ...figures } = figuresOf(out)

    expect(code).toBe(0)
    expect(figures).toMatchObject({ tasks: issues, edges: blocks, ready: ruleA.ready, blocked: ruleA.blocked })
    // What waits for nothing that was set aside: on these boards all candidates.
    expect({ completed, failed }).toEqual({ completed: closed + ruleA.ready + ruleA.blocked, failed: 0 })
  })

  it.each(boards)('takes the tasks of %s by priority, age and id', async (name, { ruleA }) => {
    const crew = await openCrew()
    await crew.join('reader')
    await loadBoard(crew, await readInputFile(join(data, 'boards', name)), 'reader')

    expect(crew.tracker.ready({ limit: 10 }).map(({ id }) => id)).toEqual(ruleA.first_10_by_priority_created_id)
  })

  it.each(workflows)('schedules %s with 1 to 16 members', async (name, { tasks, edges, roots, workers }) => {
    for (const [members, { lower_bound_ms, critical_path_ms }] of Object.entries(workers)) {
      const args = [join(data, 'workflows', name), '--folder', folder(), '--json', '--members', members]
      const { makespanMs, ...figures } = figuresOf((await demo(args)).out)

      expect(figures).toEqual({
        tasks,
        edges,
        ready: roots,
        blocked: tasks - roots,
        completed: tasks,
        failed: 0,
        members: Number(members),
      })
      expect(makespanMs).toBe(critical_path_ms)
      expect(makespanMs).toBeGreaterThanOrEqual(lower_bound_ms)
    }
  })
}
