import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { readAgentLog } from '../../examples/report/agent-log.js'
import { figuresOf } from '../../examples/report/log-figures.js'
import { replay } from '../../examples/report/replay.js'
import { temporaryFolder } from '../support/demo-run.js'

const folder = temporaryFolder()

/** Writes the files of a log. */
async function given(files: Readonly<Record<string, readonly unknown[] | string>>): Promise<string> {
  await mkdir(folder(), { recursive: true })
  for (const [name, lines] of Object.entries(files)) {
    const text = typeof lines === 'string' ? lines : lines.map((line) => JSON.stringify(line)).join('\n')
    await writeFile(join(folder(), name), name.endsWith('.gz') ? gzipSync(text) : text)
  }
  return folder()
}

const issue = (id: string, more: object = {}) => ({
  id,
  title: id,
  status: 'closed',
  issue_type: 'task',
  priority: 1,
  created_at: '2026-03-01T00:00:00Z',
  ...more,
})
const event = (id: string, actor: string, minute: number, type: string, change: object = {}) => ({
  issue_id: id,
  actor,
  created_at: `2026-03-01T00:${String(minute).padStart(2, '0')}:00Z`,
  event_type: type,
  new_value: JSON.stringify(change),
})

/** Two workers, one after the other, and who gave it to them. */
const LOG = {
  'issues.jsonl': [issue('a', { assignee: 'bo', closed_at: '2026-03-01T00:30:00Z' }), issue('b', { status: 'open' })],
  'events.jsonl.gz': [
    event('a', 'lead', 1, 'status_changed', { status: 'hooked', assignee: 'ana' }),
    event('a', 'ana', 2, 'status_changed', { status: 'in_progress' }),
    event('a', 'lead', 10, 'status_changed', { status: 'hooked', assignee: 'bo' }),
    event('a', 'bo', 30, 'closed'),
  ],
  'dependencies.jsonl': [
    { issue_id: 'a', depends_on_id: 'b', type: 'blocks' },
    { issue_id: 'a', depends_on_id: 'elsewhere', type: 'blocks' },
  ],
}

it('does again what a log tells, at its own times', async () => {
  const crew = await replay(await readAgentLog(await given(LOG)))
  const task = crew.tracker.get('a')!

  expect(task).toMatchObject({ status: 'completed', assignees: ['bo'], dependsOn: [] })
  expect(
    task.attempts.map(({ member, outcome, startedAt }) => [member, outcome, new Date(startedAt).toISOString()]),
  ).toEqual([
    ['ana', 'released', '2026-03-01T00:02:00.000Z'],
    ['bo', 'completed', '2026-03-01T00:30:00.000Z'],
  ])
  expect(crew.tracker.status('b')).toBe('pending')
})

it('counts lead times, hand-overs and reassignments', async () => {
  const log = await readAgentLog(await given(LOG))
  const figures = figuresOf(await replay(log), log)

  expect(figures).toMatchObject({
    issues: 2,
    issues_per_assignee: { bo: 1, '(none)': 1 },
    lead_time_s: { count: 1, sum: 1800, p90_nearest_rank: 1800, p90_linear: 1800 },
    events: {
      count: 4,
      actor_handover_total: 3,
      actor_handover_top15: { 'ana -> lead': 1, 'lead -> ana': 1, 'lead -> bo': 1 },
      reassignments_top10: { 'ana -> bo': 1 },
    },
  })
})

it('counts from when an agent took an issue to its closing, each time that it was closed', async () => {
  const log = await readAgentLog(
    await given({
      ...LOG,
      'events.jsonl.gz': [
        event('a', 'lead', 1, 'status_changed', { status: 'hooked', assignee: 'ana' }),
        event('a', 'lead', 5, 'status_changed', { status: 'hooked', assignee: 'bo' }),
        event('a', 'bo', 11, 'closed'),
        event('a', 'bo', 12, 'closed'),
        event('a', 'lead', 13, 'reopened', { status: 'open' }),
        event('a', 'lead', 20, 'status_changed', { status: 'hooked' }),
        event('a', 'bo', 30, 'closed'),
        event('b', 'bo', 3, 'status_changed', { status: 'hooked' }),
      ],
    }),
  )
  expect(figuresOf(await replay(log), log).events.cycle_time_first_hooked_to_closed_s).toMatchObject({
    count: 2,
    sum: 1200,
    min: 600,
    max: 600,
  })
})

it('puts the clock of the events right, and says so', async () => {
  const issues = [issue('a', { closed_at: '2026-03-01T08:30:00Z' })]
  const { entries, notes } = await readAgentLog(await given({ ...LOG, 'issues.jsonl': issues }))

  expect(new Date(entries.at(-1)!.at).toISOString()).toBe('2026-03-01T08:30:00.000Z')
  expect(notes).toEqual(['The clock of the events is 8 h behind that of the board: put right'])
})

it('mends a backslash that begins no escape, and says where', async () => {
  const line = JSON.stringify(issue('a', { description: 'mail: <person5> "x"' })).replace('<', String.raw`\p`)
  const { issues, notes } = await readAgentLog(await given({ 'issues.jsonl': line }))

  expect(issues[0]?.description).toBe(String.raw`mail: \pperson5> "x"`)
  expect(notes).toEqual(['issues.jsonl, line 1, has a backslash that begins no escape: taken as it stands'])
})

it.each([
  ['no issues', {}, 'has no issue in an issues.jsonl'],
  [
    'a line that is cut off',
    { 'issues.jsonl': `${JSON.stringify(issue('a'))}\n{"id":` },
    'issues.jsonl, line 2, is no JSON object',
  ],
  ['an id twice', { 'issues.jsonl': [issue('a'), issue('a')] }, 'issues.jsonl has an id twice'],
  ['no time of creation', { 'issues.jsonl': [{ id: 'a', status: 'open' }] }, 'line 1, has not a text as created_at'],
  [
    'a time that is none',
    { 'issues.jsonl': [issue('a', { created_at: 'soon' })] },
    'line 1, has not a time as created_at',
  ],
])('refuses a folder with %s', async (_what, files, message) => {
  await expect(readAgentLog(await given(files))).rejects.toThrow(message)
})

const data = process.env['CREWLOG_DATA']

if (data === undefined) {
  if (process.env['CREWLOG_REQUIRE_SERVICES'] === '1')
    it('needs recorded data', () => expect.fail('CREWLOG_DATA must name the folder of recorded data'))
  else {
    console.log('Skipped: a recorded log of agents, as CREWLOG_DATA is not set')
    it.skip('reports on a recorded log of agents')
  }
} else {
  it('reports on months of recorded work what an independent program does', { timeout: 120_000 }, async () => {
    const log = await readAgentLog(join(data, 'agent-log'))
    const { notes, ...figures } = figuresOf(await replay(log), log)
    const expected = JSON.parse(await readFile(join(data, 'expected', 'agent-log.json'), 'utf8')) as object

    expect(notes).toHaveLength(2)
    expect(toMilliseconds(expected)).toMatchObject(toMilliseconds(figures) as object)
  })
}

/** The mean has more digits here than there. */
const toMilliseconds = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
    typeof inner === 'number' ? Math.round(inner * 1000) / 1000 : inner,
  )
