import { bestFit, openCrew } from 'crewlog'
import { fileStorage } from 'crewlog/storage/file'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { greatestPlan } from '../../examples/demo/plan-then.js'
import { demo, type DemoRun, figuresOf, temporaryFolder, workflowText } from '../support/demo-run.js'

const folder = temporaryFolder()

const sample = (...args: readonly string[]): readonly string[] => ['--folder', folder(), '--pace', '0', ...args]

async function file(name: string, text: string): Promise<string> {
  const path = join(folder(), name)
  await writeFile(path, text)
  return path
}

const issue = (id: string, more: object = {}): string =>
  JSON.stringify({ id, title: id, status: 'open', created_at: '2026-01-01T00:00:00Z', ...more })

const waitsFor = (...ids: readonly string[]): object => ({
  dependencies: ids.map((id) => ({ type: 'blocks', depends_on_id: id })),
})

describe('the sample board', () => {
  it('is worked off to the end, with its report and its figures', async () => {
    const { code, out } = await demo(sample('--json'))

    expect(code).toBe(0)
    for (const heading of ['## Summary', '## Workload', '## Health']) expect(out).toContain(heading)
    expect(figuresOf(out)).toMatchObject({ tasks: 46, ready: 2, blocked: 44, completed: 46, failed: 0, members: 6 })
  })

  it.each([1, 2, 9])('is worked off by %i members', async (members) => {
    const { out } = await demo(sample('--json', '--members', String(members)))

    expect(figuresOf(out)).toMatchObject({ completed: 46, members })
  })

  it('leaves a page with the report and its pictures', async () => {
    const { out } = await demo(sample())
    const [, path = ''] = /^The report with pictures: (.*)$/m.exec(out) ?? []
    const page = await readFile(path, 'utf8')

    for (const heading of [
      'Summary',
      'Workload',
      'Why who got what',
      'Cumulative flow',
      'Cycle time',
      'Cost',
      'Conversations',
    ])
      expect(page).toContain(`<h2>${heading}</h2>`)
    expect(page.match(/<svg /g)?.length).toBeGreaterThan(5)
    expect(page).not.toMatch(/<script|src="|href="h/)
  })

  it('explains on its page the plan that gave most, as it was carried out', async () => {
    await demo(sample())
    const [board = ''] = (await readdir(folder())).filter((name) => !name.endsWith('.html'))
    const storage = fileStorage(join(folder(), board))
    const { plan, seq } = (await greatestPlan(storage, bestFit()))!
    await using before = await openCrew({ name: 'demo', storage, at: { seq: seq - 1 } })
    await using after = await openCrew({ name: 'demo', storage, at: { seq } })

    expect(plan.assigned.length).toBeGreaterThan(1)
    for (const { taskId, member, candidates } of plan.assigned) {
      expect(before.tracker.get(taskId)?.assignees).not.toEqual([member])
      expect(after.tracker.get(taskId)).toMatchObject({ assignees: [member], autoAssigned: true })
      expect(candidates[0]).toMatchObject({ member, eligible: true })
    }
  })

  it('shows failures, questions, approvals and reviews', async () => {
    const { out } = await demo(sample('--verbose'))
    const told = new Set(out.split('\n').map((line) => line.split(' ')[1]))

    for (const type of ['released', 'waiting', 'resumed', 'progressed']) expect(told).toContain(`task.${type}`)
    for (const type of ['sent', 'leased', 'acknowledged']) expect(told).toContain(`message.${type}`)
  })

  it('tells its progress in plain lines, one for each twentieth of the way', async () => {
    const { out } = await demo(sample())
    const lines = out.split('\n').filter((line) => /^\d+ of 46 done, \d+ %, /.test(line))

    expect(out).not.toMatch(/[^\n\P{Cc}]/u)
    expect(lines.length).toBeGreaterThan(5)
    expect(lines.length).toBeLessThanOrEqual(21)
  })

  it('draws a bar on a terminal', async () => {
    const { out } = await demo(sample(), { isTTY: true })

    expect(out).toContain('\r[████████████████████] 46 of 46, 100 %')
  })
})

/** A run of the sample board that was stopped when ten tasks or more were done. */
async function stopped(): Promise<DemoRun> {
  const stop = new AbortController()
  const onWrite = (text: string): void => {
    if (/^\d\d of 46/.test(text)) stop.abort()
  }
  return demo(sample(), { signal: stop.signal, onWrite })
}

describe('a run that has begun', () => {
  it('goes on where it was stopped', async () => {
    const first = await stopped()
    const second = await demo(sample('--json'))

    expect(first).toMatchObject({ code: 130, err: '' })
    expect(first.out.trim().split('\n').at(-1)).toBe('Stopped. Run it again, and it goes on here.')
    expect(first.out).not.toContain('nobody awaited')
    expect(second.out).toMatch(/^[12]\d of 46 tasks are done: going on in /)
    expect(figuresOf(second.out)).toMatchObject({ ready: 2, blocked: 44, completed: 46 })
  })

  it('is left for a new one when it is finished', async () => {
    await demo(sample())
    const again = await demo(sample('--json'))

    expect(again.out).toMatch(/^An earlier run is finished: starting anew\n/)
    expect(figuresOf(again.out).completed).toBe(46)
  })

  it('is left for a new one when asked to', async () => {
    await stopped()
    const { out } = await demo(sample('--fresh'))

    expect(out).toMatch(/^An earlier run stopped at [12]\d of 46: starting anew\n/)
  })

  it('is refused while another process works on it', async () => {
    const stop = new AbortController()
    let second: Promise<DemoRun> | undefined
    const onWrite = (): void => {
      second ??= demo(sample()).finally(() => {
        stop.abort()
      })
    }
    await demo(['--folder', folder()], { signal: stop.signal, onWrite })
    const { code, out, err } = (await second)!

    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^demo: .+\n$/)
  })
})

describe('the command line', () => {
  it.each([
    [['--members', '0'], '--members takes a number from 1 to 9999, not "0"'],
    [['--members', 'many'], '--members takes a number from 1 to 9999, not "many"'],
    [['--members'], "Option '--members <value>' argument missing"],
    [['--pace', '-1'], "Option '--pace' argument is ambiguous"],
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['a', 'b'], 'takes one FILE, not also "b"'],
  ])('refuses %j', async (args, message) => {
    const { code, out, err } = await demo(args)

    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(`demo: ${message}`)
    expect(err.trim().split('\n')).toHaveLength(1)
  })

  it('explains itself', async () => {
    expect(await demo(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('--members K') as unknown })
  })
})

describe('a file that cannot be used', () => {
  it.each([
    ['empty.jsonl', '\n', 'is empty'],
    ['broken.jsonl', `${issue('a')}\n{"id":\n`, 'line 2 is no JSON'],
    ['broken.json', '{\n"name": "x",\n"workflow": {\n', 'is no JSON, nor JSON lines (line 4)'],
    ['text.txt', 'Hello', 'is no JSON, nor JSON lines (line 1)'],
    ['other.json', '{"name":"x"}', 'is neither a board (JSON lines with id and status) nor a workflow (WfFormat 1.5)'],
    ['list.jsonl', '[1]\n', 'line 1 is no JSON object'],
    ['no-id.jsonl', '{"status":"open"}\n', 'line 1 has no id'],
    ['no-time.jsonl', '{"id":"a","status":"open"}', 'line 1 has no created_at with date, time and zone'],
    ['twice.jsonl', `${issue('a')}\n${issue('a')}`, 'the id a is there twice'],
    [
      'cycle.jsonl',
      `${issue('a', waitsFor('b'))}\n${issue('b', waitsFor('a'))}`,
      'tasks wait for each other: a → b → a',
    ],
    ['old.json', '{"schemaVersion":"1.4","workflow":{}}', 'is WfFormat 1.4; only 1.5 can be read'],
    [
      'no-tasks.json',
      '{"schemaVersion":"1.5","workflow":{}}',
      'has no workflow.specification.tasks and workflow.execution.tasks',
    ],
    ['unknown.json', workflowText([{ id: 'a', seconds: 1, parents: ['b'] }]), 'there is no task b for a'],
    ['no-time.json', workflowText([{ id: 'a', seconds: -1 }]), 'the task a has no runtimeInSeconds'],
    [
      'cycle.json',
      workflowText([
        { id: 'a', seconds: 1, parents: ['b'] },
        { id: 'b', seconds: 1, parents: ['a'] },
      ]),
      'tasks wait for each other: a → b → a',
    ],
  ])('is named with what is wrong, in one line: %s', async (name, text, message) => {
    const path = await file(name, text)

    expect(await demo([path])).toEqual({ code: 1, out: '', err: `demo: ${path}: ${message}\n` })
  })

  it('is missing', async () => {
    const path = join(folder(), 'missing.jsonl')

    expect(await demo([path])).toEqual({ code: 1, out: '', err: `demo: ${path}: there is no such file\n` })
  })
})

describe('a board of JSON lines', () => {
  it('counts what is open as work, what is closed as done, and leaves the rest alone', async () => {
    const board = [
      issue('done', { status: 'closed' }),
      issue('overruled', { status: 'closed', ...waitsFor('later') }),
      issue('begun', { status: 'in_progress', ...waitsFor('done', 'nowhere') }),
      issue('later', waitsFor('begun')),
      issue('pinned', { status: 'pinned', ...waitsFor('later') }),
      issue('behind', waitsFor('pinned')),
      issue('deleted', { status: 'tombstone' }),
    ]
    const { out } = await demo(['--folder', folder(), '--json', await file('board.jsonl', board.join('\n'))])

    expect(figuresOf(out)).toMatchObject({ tasks: 7, edges: 6, ready: 1, blocked: 2, completed: 4, failed: 0 })
    expect(out).toContain('2 of 3 tasks done')
  })
})

describe('a workflow', () => {
  const tasks = [
    { id: 'start', seconds: 1 },
    { id: 'long', seconds: 5, parents: ['start'] },
    { id: 'short-1', seconds: 2, parents: ['start'] },
    { id: 'short-2', seconds: 2.0004, parents: ['start'] },
    { id: 'nothing', seconds: 0, parents: ['short-1'] },
    { id: 'end', seconds: 1, parents: ['long', 'short-2', 'nothing'] },
  ]

  it.each([
    [1, 11_000],
    [2, 7000],
    [8, 7000],
  ])('is scheduled in simulated time: %i machines take %i ms', async (members, makespanMs) => {
    const path = await file('workflow.json', workflowText(tasks))
    const { out } = await demo([path, '--folder', folder(), '--json', '--members', String(members)])

    expect(figuresOf(out)).toEqual({
      tasks: 6,
      edges: 7,
      ready: 1,
      blocked: 5,
      completed: 6,
      failed: 0,
      members,
      makespanMs,
    })
  })
})
