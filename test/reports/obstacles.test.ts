import { openCrew } from 'crewlog'
import { blocked, overdue } from 'crewlog/reports'
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from 'crewlog'
import { openTeam } from '../support/team.js'

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 1)

describe('overdue', () => {
  const board = async () => {
    const team = await openTeam()
    const { tracker, environment } = team
    const due = (hours: number) => ({ description: 'x', dueAt: START + hours * HOUR })
    await tracker.create({ ...due(1), id: 'late', title: 'Late one', assignees: 'ana' })
    await tracker.create({ ...due(3), id: 'later' })
    await tracker.create({ ...due(4), id: 'on time', assignees: 'ana' })
    await tracker.create({ ...due(1), id: 'done late', assignees: 'ana' })
    await tracker.create({ ...due(2), id: 'done later', assignees: 'ana' })
    await tracker.create({ ...due(1), id: 'dropped' })
    await tracker.create({ ...due(100), id: 'not yet' })
    await tracker.create({ id: 'never', description: 'x' })
    await environment.advance('4h')
    for (const id of ['on time', 'done late', 'done later']) {
      await tracker.start(id)
      await tracker.complete(id)
    }
    await tracker.cancel('dropped')
    await environment.advance('6h')
    return team
  }

  it('lists what is late, the latest first, and tells how much was on time', async () => {
    const { reports } = await board()
    const { data } = reports.generate(overdue())
    expect(data.rows).toEqual([
      { taskId: 'late', name: 'Late one', stage: 'assigned', assignees: ['ana'], dueAt: START + HOUR, lateMs: 9 * HOUR }, // prettier-ignore
      { taskId: 'later', name: 'x', stage: 'new', assignees: [], dueAt: START + 3 * HOUR, lateMs: 7 * HOUR },
    ])
    expect(data).toMatchObject({ open: 2, dropped: 1, uncounted: 0 })
    // Done at the very moment is done in time.
    expect(data.completed).toMatchObject({ onTime: 1, late: 2, shareOnTime: 1 / 3 })
    expect(data.completed.lateness).toMatchObject({ count: 2, minMs: 2 * HOUR, maxMs: 3 * HOUR })
  })

  it('is of what is due in the window, and of what a filter lets pass', async () => {
    const { reports } = await board()
    const ids = (options: object) => reports.generate(overdue(), options).data.rows.map(({ taskId }) => taskId)
    expect(ids({ from: START + 2 * HOUR })).toEqual(['later'])
    expect(ids({ to: START + 2 * HOUR })).toEqual(['late'])
    expect(ids({ filter: { assignee: 'ana' } })).toEqual(['late'])
    expect(reports.generate(overdue(), { from: START + 4 * HOUR, to: START + 5 * HOUR }).data.completed).toMatchObject({ onTime: 1, late: 0, shareOnTime: 1 }) // prettier-ignore
  })

  it('keeps its list as short as it is told to, and says how many more there are', async () => {
    const { reports } = await board()
    const report = reports.generate(overdue({ most: 1 }))
    expect(report.data.rows).toHaveLength(1)
    expect(report.toMarkdown()).toContain('And 1 more are overdue.')
    for (const most of [0, 1.5, 10_001, '3'])
      expect(() => overdue({ most } as never)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })

  it('tells outsiders no titles', async () => {
    const { reports } = await board()
    expect(JSON.stringify(reports.generate(overdue(), { redact: true }))).not.toContain('Late one')
    expect(reports.generate(overdue(), { redact: true }).data.rows[0]?.taskId).toBe('late')
  })
})

describe('blocked', () => {
  /** `begun` and `asking` are the causes: behind them chains; one task waits for what was cancelled, one for nobody. */
  const board = async () => {
    const storage = new MemoryStorage()
    const team = await openTeam(['ana', 'bo'], { storage })
    const { tracker, environment } = team
    await tracker.createMany([
      { id: 'begun', description: 'Begun', assignees: 'ana' },
      { id: 'asking', description: 'Asking', assignees: 'bo' },
      { id: 'a1', description: 'a1', dependsOn: ['begun'] },
      { id: 'a2', description: 'a2', dependsOn: ['a1'], labels: ['hot'] },
      { id: 'both', title: 'Both *ways*', description: 'both', dependsOn: ['asking', 'a1'] },
      { id: 'gone', description: 'gone' },
      { id: 'stuck', description: 'stuck', dependsOn: [{ id: 'gone', onCancel: 'block' }], assignees: 'ana' },
      { id: 'done first', description: 'x', assignees: 'ana' },
      { id: 'freed', description: 'x', dependsOn: ['done first'] },
      { id: 'free', description: 'x' },
    ])
    await environment.advance('1h')
    await tracker.start('done first')
    await environment.advance('1h')
    await tracker.complete('done first')
    await tracker.start('begun')
    await tracker.start('asking')
    await tracker.wait('asking', { for: 'input', of: 'ana', question: 'Which?' })
    await tracker.cancel('gone')
    await environment.advance('3h')
    return { ...team, storage }
  }

  it('tells root causes, with who can move them and how many they hold up', async () => {
    const { reports } = await board()
    const { data } = reports.generate(blocked())
    expect(data.blocked).toBe(4)
    expect(data.causes).toEqual([
      { taskId: 'begun', name: 'Begun', stage: 'in_progress', members: ['ana'], holdsUp: 3, alone: 2 },
      { taskId: 'gone', name: 'gone', stage: 'cancelled', members: [], holdsUp: 1, alone: 1 },
      { taskId: 'asking', name: 'Asking', stage: 'waiting', members: ['ana'], holdsUp: 1, alone: 0 },
    ])
  })

  it('tells who waits for what', async () => {
    const { reports } = await board()
    const { tasks } = reports.generate(blocked()).data
    expect(tasks.map(({ taskId, waitsFor, cause, blockedMs }) => [taskId, waitsFor, cause, blockedMs / HOUR])).toEqual([
      ['a1', ['begun'], 'begun', 5],
      ['a2', ['a1'], 'begun', 5],
      ['both', ['asking', 'a1'], 'asking', 5],
      ['stuck', ['gone'], 'gone', 5],
    ])
    expect(tasks[3]?.assignees).toEqual(['ana'])
  })

  it('tells how long tasks were blocked in the window, and by which', async () => {
    const { reports } = await board()
    const whole = reports.generate(blocked()).data
    expect(whole.time).toMatchObject({ count: 5, minMs: 2 * HOUR, maxMs: 5 * HOUR })
    expect(whole.heldBy.map(({ taskId, tasks, blockedMs }) => [taskId, tasks, blockedMs / HOUR])).toEqual([
      ['a1', 1, 5],
      ['asking', 1, 5],
      ['begun', 1, 5],
      ['gone', 1, 5],
      ['done first', 1, 2],
    ])
    const hour = reports.generate(blocked(), { from: START + 1.5 * HOUR, to: START + 2.5 * HOUR }).data
    expect(hour.time).toMatchObject({ count: 5, minMs: HOUR / 2, maxMs: HOUR })
    expect(hour.heldBy.at(-1)).toMatchObject({ taskId: 'done first', blockedMs: HOUR / 2 })
  })

  it('counts what a filter lets pass, whatever it waits through', async () => {
    const { reports } = await board()
    const { data } = reports.generate(blocked(), { filter: { label: 'hot' } })
    expect(data.causes.map(({ taskId, holdsUp }) => [taskId, holdsUp])).toEqual([['begun', 1]])
    expect(data.tasks.map(({ taskId }) => taskId)).toEqual(['a2'])
  })

  it('is tables and a graph, in which text of others is text', async () => {
    const { reports } = await board()
    const report = reports.generate(blocked())
    expect(report.toMarkdown()).toContain('| both | Both \\*ways\\* |  | asking, a1 | asking | 5 h 0 min |')
    expect(report.toCSV('Root causes').split('\r\n')[1]).toBe('"begun","Begun","in_progress","ana",3,2')
    expect(report.toMermaid()).toMatch(/^---\n[^]*flowchart/)
    expect(report.toSVG()).toMatch(/^<svg/)
  })

  it('of a past crew is what it was', async () => {
    const { environment, storage } = await board()
    const past = await openCrew({ storage, environment, at: { time: START + HOUR } })
    const { data } = past.reports.generate(blocked())
    expect(data.blocked).toBe(5)
    expect(data.tasks.every(({ blockedMs }) => blockedMs === HOUR)).toBe(true)
    await past.close()
  })

  it('says when nothing is', async () => {
    const { reports } = await openTeam()
    expect(reports.generate(blocked()).toMarkdown()).toContain('Nothing is blocked.')
    expect(reports.generate(blocked()).toSVG()).toMatch(/^<svg/)
  })
})
