import { type Task, type TaskDraft, TaskTracker } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { claim, openBoard, refusal } from '../../support/board.js'

const START = Date.parse('2026-01-01T00:00:00Z')

describe('a task as a value', () => {
  it('begins pending, with every default in place', async () => {
    const tracker = new TaskTracker({ environment: manualEnvironment() })
    const task = await tracker.create({ description: 'Read the tides' }, { by: 'ana' })

    expect(task).toMatchObject({
      version: 1,
      description: 'Read the tides',
      status: 'pending',
      priority: 1,
      assignees: [],
      dependsOn: [],
      labels: [],
      requires: {},
      metadata: {},
      progress: { value: 0 },
      answers: [],
      usage: {},
      fence: 0,
      attemptCount: 0,
      attempts: [],
      cancelRequested: false,
      createdAt: START,
      createdBy: 'ana',
    })
    expect(task.isOpen).toBe(true)
    expect(task.durationMs).toBeUndefined()
    expect(task.holder).toBeUndefined()
  })

  it('keeps every field of its draft', async () => {
    const tracker = new TaskTracker({ environment: manualEnvironment() })
    await tracker.createMany([
      { id: 'old', description: 'Old' },
      { id: 'part of', description: 'Whole' },
    ])
    const draft = {
      id: 'LLM 1: tides',
      description: 'Read the tides',
      title: 'Tides',
      kind: 'measure',
      input: { port: 'Bergen', at: [1, null] },
      priority: -2.5,
      assignees: ['ana', 'bo'],
      requires: { sums: 0.5 },
      dependsOn: [{ id: 'old', onFailure: 'block', onCancel: 'continue' }],
      parentId: 'part of',
      supersedes: 'old',
      reviewers: ['rita'],
      watchers: ['wim'],
      labels: ['sea', 'north'],
      metadata: { ticket: 7 },
      estimateMs: 1000,
      timeLimitMs: 2000,
      retry: { attempts: 2, backoffMs: { base: 10, cap: 20 } },
      createdBy: 'omar',
    } as const satisfies TaskDraft

    expect(await tracker.create(draft, { by: 'ana' }).catch((error: unknown) => error)).toMatchObject({
      code: 'not_eligible',
    })
    const { requires: _, ...feasible } = draft
    expect(await tracker.create(feasible)).toMatchObject({ ...feasible, assignedAt: START })
  })

  it.each([
    ['a Date', new Date('2026-03-01T10:00:00Z')],
    ['milliseconds', Date.parse('2026-03-01T10:00:00Z')],
    ['ISO 8601 in UTC', '2026-03-01T10:00:00Z'],
    ['ISO 8601 with an offset', '2026-03-01T12:00:00+02:00'],
  ])('takes a time as %s, and gives it as milliseconds', async (_, at) => {
    const tracker = new TaskTracker({ environment: manualEnvironment() })
    const { dueAt, failAt, notBefore } = await tracker.create({
      description: 'x',
      dueAt: at,
      failAt: at,
      notBefore: at,
    })
    expect([dueAt, failAt, notBefore]).toEqual(Array(3).fill(Date.parse('2026-03-01T10:00:00Z')))
  })

  it.each<[string, unknown]>([
    ['no description', {}],
    ['an empty description', { description: '' }],
    ['an unknown field', { description: 'x', dueDate: 1 }],
    ['a status (TL-22)', { description: 'x', status: 'completed' }],
    ['a fence', { description: 'x', fence: 3 }],
    ['a date without a zone', { description: 'x', dueAt: '2026-03-01T10:00:00' }],
    ['a date without a time', { description: 'x', dueAt: '2026-03-01' }],
    ['a day that is not in the calendar', { description: 'x', dueAt: '2026-02-30T10:00:00Z' }],
    ['a priority of NaN', { description: 'x', priority: NaN }],
    ['a priority as text', { description: 'x', priority: '5' }],
    ['a level of skill over 1', { description: 'x', requires: { sums: 1.5 } }],
    ['no attempts', { description: 'x', retry: { attempts: 0 } }],
    ['a time limit of nothing', { description: 'x', timeLimitMs: 0 }],
    ['an unknown policy of an edge', { description: 'x', dependsOn: [{ id: 'y', onFailure: 'ignore' }] }],
    ['an id with a line break', { id: 'a\nb', description: 'x' }],
  ])('is not made from a draft with %s', async (_, draft) => {
    const tracker = new TaskTracker({ environment: manualEnvironment() })
    expect(await refusal(tracker.create(draft as TaskDraft))).toMatchObject({ code: 'invalid_input' })
    expect(tracker.count()).toBe(0)
  })

  it('refuses an id that is taken, with the whole batch', async () => {
    const tracker = new TaskTracker({ environment: manualEnvironment() })
    await tracker.create({ id: 'tides', description: 'x' })
    const batch = [
      { id: 'moon', description: 'y' },
      { id: 'tides', description: 'z' },
    ]
    expect(await refusal(tracker.createMany(batch))).toMatchObject({ code: 'already_exists' })
    expect(tracker.list().map(({ description }) => description)).toEqual(['x'])
  })

  it('cannot be changed by whoever holds it, or held what it was made from', async () => {
    const tracker = new TaskTracker({ environment: manualEnvironment() })
    const input = { ports: ['Bergen'] }
    const labels = ['sea']
    const task = await tracker.create({ description: 'x', input, labels })
    input.ports.push('Oslo')
    labels.push('land')

    expect(task.input).toEqual({ ports: ['Bergen'] })
    expect(task.labels).toEqual(['sea'])
    for (const value of [task, task.input, task.labels, task.progress, task.metadata])
      expect(Object.isFrozen(value)).toBe(true)
    expect(() => Object.assign(task, { status: 'completed' })).toThrow(TypeError)
  })

  it('stays as it was when the task changes, and counts each change', async () => {
    const tracker = new TaskTracker({ environment: manualEnvironment() })
    const created = await tracker.create({ id: 'tides', description: 'x' })
    const started = await tracker.start('tides', { by: 'ana' })
    const completed = await tracker.complete('tides')

    expect([created, started, completed].map(({ status, version }) => [status, version])).toEqual([
      ['pending', 1],
      ['in_progress', 2],
      ['completed', 3],
    ])
    expect(tracker.get('tides')).toBe(completed)
  })

  it('measures its duration from the first start to the end, and never below zero', async () => {
    const { environment, tracker } = await openBoard()
    await tracker.create({ id: 'tides', description: 'x' })
    const first = await claim(tracker, 'ana')
    await environment.advance('10s')
    await first.release()
    await environment.advance('20s')
    const second = await claim(tracker, 'bo')
    expect(tracker.get('tides')?.startedAt).toBe(START)
    expect((await second.complete()).durationMs).toBe(30_000)

    await tracker.create({ id: 'moon', description: 'y' })
    await tracker.start('moon', { by: 'ana' })
    environment.setWallClock('2025-12-31T23:00:00Z')
    expect((await tracker.complete('moon')).durationMs).toBe(0)
  })

  it('tells itself as JSON without what it does not have', async () => {
    const tracker = new TaskTracker({ environment: manualEnvironment() })
    await tracker.create({ id: 'tides', description: 'x' })
    const json = JSON.parse(JSON.stringify(await tracker.start('tides', { by: 'ana' }))) as Task
    expect(json).toMatchObject({ id: 'tides', status: 'in_progress', holder: 'ana', startedAt: START })
    expect(Object.keys(json)).not.toContain('endedAt')
    expect(Object.keys(json)).not.toContain('durationMs')
    expect((await tracker.complete('tides')).toJSON()).toMatchObject({ status: 'completed', durationMs: 0 })
  })

  it('that ended without having started took no time', async () => {
    const tracker = new TaskTracker({ environment: manualEnvironment() })
    await tracker.create({ id: 'tides', description: 'x' })
    expect((await tracker.cancel('tides')).durationMs).toBeUndefined()
  })

  it('remembers its newest 20 attempts, and counts them all (RL-04)', async () => {
    const { tracker } = await openBoard({ retry: { attempts: 100, backoffMs: { base: 0, cap: 0 } } })
    await tracker.create({ id: 'tides', description: 'x' })
    for (let i = 0; i < 25; i++) await (await claim(tracker, 'ana')).fail({ error: 'no' })
    const { attempts, attemptCount, fence } = tracker.get('tides')!
    expect(attempts.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 6))
    expect([attemptCount, fence]).toEqual([25, 25])
  })
})
