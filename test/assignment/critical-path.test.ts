import { type Assignment, type AssignmentView, type Id, type MemberInfo, type Proposal, TaskTracker } from 'crewlog'
import { criticalPath } from 'crewlog/assignment'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { member, viewOf as viewAt } from '../support/assignment-view.js'

const HOUR = 3_600_000
const NOON = Date.parse('2026-01-01T12:00:00Z')

const ana = member('ana')
const bo = member('bo')

function board() {
  const environment = manualEnvironment({ now: NOON })
  return { environment, tracker: new TaskTracker({ environment }) }
}

const viewOf = (tracker: TaskTracker, members: readonly MemberInfo[], more: Partial<AssignmentView> = {}) =>
  viewAt(tracker, members, { now: NOON, ...more })

/** In hours from noon on. */
const lines = ({ assigned, later = [] }: Proposal): string[] =>
  [...assigned, ...later].map(({ taskId, member: to, startAt = NaN, endAt = NaN }: Assignment) => {
    const hours = [startAt, endAt].map((at) => (at - NOON) / HOUR)
    return `${taskId} ${to} ${hours.join('–')}`
  })

const estimated = criticalPath({ duration: ({ estimateMs }) => estimateMs })
const hours = (count: number) => ({ description: 'A task', estimateMs: count * HOUR })

describe('criticalPath', () => {
  it('plans ahead: who does what, and when', async () => {
    const { tracker } = board()
    await tracker.createMany([
      { id: 'design', ...hours(2) },
      { id: 'texts', ...hours(1) },
      { id: 'build', ...hours(3), dependsOn: ['design'] },
      { id: 'ship', ...hours(1), dependsOn: ['build', 'texts'] },
    ])

    expect(lines(estimated(viewOf(tracker, [ana, bo])))).toEqual([
      'design ana 0–2',
      'texts bo 0–1',
      'build ana 2–5',
      'ship ana 5–6',
    ])
  })

  it('assigns what starts now, and no more than a member can do', async () => {
    const { tracker } = board()
    await tracker.createMany([
      { id: 'a', ...hours(2) },
      { id: 'b', ...hours(1) },
      { id: 'c', ...hours(1) },
      { id: 'd', ...hours(1), dependsOn: ['b'] },
    ])
    const ids = (assignments: readonly Assignment[] = []) => assignments.map(({ taskId }) => taskId).sort()
    const { assigned, later } = estimated(viewOf(tracker, [ana, bo]))
    const busy = estimated(viewOf(tracker, [ana, bo], { load: ({ length }) => (length === 3 ? 1 : 0) }))

    expect(ids(assigned)).toEqual(['a', 'b'])
    expect(ids(later)).toEqual(['c', 'd'])
    expect(busy.assigned.map(({ member: to }) => to)).toEqual(['bo'])
  })

  it('assigns nothing but what it is asked to', async () => {
    const { tracker } = board()
    const [, b] = await tracker.createMany([
      { id: 'a', ...hours(2) },
      { id: 'b', ...hours(1) },
    ])
    const { assigned, later } = estimated(viewOf(tracker, [ana, bo], { tasks: [b!] }))

    expect(assigned.map(({ taskId }) => taskId)).toEqual(['b'])
    expect(later?.map(({ taskId }) => taskId)).toEqual(['a'])
  })

  it('gives each task to whom it takes less time, where that is sooner', async () => {
    const { tracker } = board()
    await tracker.createMany(['a', 'b', 'c'].map((id) => ({ id, description: 'A task' })))
    const strategy = criticalPath({ duration: (_task, { id }) => (id === 'ana' ? HOUR : 2 * HOUR) })

    expect(lines(strategy(viewOf(tracker, [ana, bo])))).toEqual(['a ana 0–1', 'b bo 0–2', 'c ana 1–2'])
  })

  it('leaves out what nobody can do, and what waits for that', async () => {
    const { tracker } = board()
    await tracker.createMany([
      { id: 'known', ...hours(1) },
      { id: 'unknown', description: 'Nobody knows how long' },
      { id: 'after', ...hours(1), dependsOn: ['unknown'] },
      { id: 'later', ...hours(1), dependsOn: ['after', 'known'] },
    ])

    expect(lines(estimated(viewOf(tracker, [ana])))).toEqual(['known ana 0–1'])
  })

  it('asks only those who are able', async () => {
    const { tracker } = board()
    await tracker.create({ id: 'a', ...hours(1) })
    const asked: Id[] = []
    const strategy = criticalPath({
      duration: ({ estimateMs }, { id }) => {
        asked.push(id)
        return estimateMs
      },
    })

    expect(lines(strategy(viewOf(tracker, [ana, bo], { able: () => [bo] })))).toEqual(['a bo 0–1'])
    expect(asked).toEqual(['bo'])
  })

  it('lets a member do as many at once as it can', async () => {
    const { tracker } = board()
    await tracker.createMany(['a', 'b', 'c'].map((id) => ({ id, ...hours(1) })))

    expect(lines(estimated(viewOf(tracker, [member('ana', { capacity: 2 })])))).toEqual([
      'a ana 0–1',
      'b ana 0–1',
      'c ana 1–2',
    ])
  })

  it('waits for what is worked on, by who does it and by what depends on it', async () => {
    const { tracker, environment } = board()
    await tracker.createMany([
      { id: 'running', ...hours(3) },
      { id: 'free', ...hours(1) },
      { id: 'after', ...hours(1), dependsOn: ['running'] },
    ])
    await tracker.start('running', { by: 'ana' })
    await environment.advance(HOUR)
    const view = viewOf(tracker, [ana, bo], { now: NOON + HOUR })

    expect(lines(estimated(view))).toEqual(['free bo 1–2', 'after ana 3–4'])
  })

  it('expects at any moment what takes longer than it should', async () => {
    const { tracker, environment } = board()
    await tracker.createMany([
      { id: 'running', ...hours(1) },
      { id: 'after', ...hours(1), dependsOn: ['running'] },
    ])
    await tracker.start('running', { by: 'ana' })
    await environment.advance(5 * HOUR)

    const { assigned, later } = estimated(viewOf(tracker, [ana], { now: NOON + 5 * HOUR, load: () => 1 }))

    expect(assigned).toEqual([])
    expect(later?.[0]).toMatchObject({ taskId: 'after', member: 'ana', startAt: NOON + 5 * HOUR + 1 })
  })

  it('leaves alone what was given by hand, and plans around it', async () => {
    const { tracker } = board()
    await tracker.createMany([
      { id: 'mine', ...hours(2), assignees: ['ana'] },
      { id: 'first', ...hours(1) },
      { id: 'then', ...hours(1), assignees: ['ana'], dependsOn: ['first'] },
    ])

    expect(lines(estimated(viewOf(tracker, [ana, bo])))).toEqual(['first bo 0–1', 'then ana 2–3'])
  })

  it('gives anew what the view wants to be given, though somebody has it', async () => {
    const { tracker } = board()
    const task = await tracker.create({ id: 'a', ...hours(1), assignees: ['cy'] })

    expect(
      lines(
        estimated(viewOf(tracker, [ana, member('cy', { available: false })], { tasks: [task], able: () => [ana] })),
      ),
    ).toEqual(['a ana 0–1'])
  })

  it('keeps to the time before which a task is not to be started', async () => {
    const { tracker } = board()
    await tracker.create({ id: 'a', ...hours(1), notBefore: NOON + 4 * HOUR })

    expect(lines(estimated(viewOf(tracker, [ana])))).toEqual(['a ana 4–5'])
  })

  it('lets what depends on a task wait for its subtasks, too', async () => {
    const { tracker } = board()
    await tracker.createMany([
      { id: 'whole', ...hours(1) },
      { id: 'part', ...hours(3), parentId: 'whole' },
      { id: 'after', ...hours(1), dependsOn: ['whole'] },
    ])

    expect(lines(estimated(viewOf(tracker, [ana, bo])))).toEqual(['part ana 0–3', 'whole bo 0–1', 'after ana 3–4'])
  })

  it('leaves out what waits for a person, and what waits for that', async () => {
    const { tracker } = board()
    await tracker.createMany([
      { id: 'asked', ...hours(1) },
      { id: 'after', ...hours(1), dependsOn: ['asked'] },
      { id: 'free', ...hours(1) },
    ])
    await tracker.start('asked', { by: 'ana' })
    await tracker.wait('asked', { for: 'input', question: 'Which colour?' })

    expect(lines(estimated(viewOf(tracker, [ana])))).toEqual(['free ana 0–1'])
  })

  it('leaves out what a failed dependency blocks', async () => {
    const { tracker } = board()
    await tracker.createMany([
      { id: 'broken', ...hours(1) },
      { id: 'after', ...hours(1), dependsOn: [{ id: 'broken', onFailure: 'block' }] },
      { id: 'anyway', ...hours(1), dependsOn: [{ id: 'broken', onFailure: 'continue' }] },
    ])
    await tracker.start('broken', { by: 'ana' })
    await tracker.fail('broken', { error: new Error('It broke'), retryable: false })

    expect(lines(estimated(viewOf(tracker, [ana])))).toEqual(['anyway ana 0–1'])
  })

  it('finds a shorter schedule than list scheduling, which is all that it does with no steps', async () => {
    // The longest first: 3 + 2 + 2 and 3 + 2. Better: 3 + 3 and 2 + 2 + 2.
    const { tracker } = board()
    await tracker.createMany([3, 3, 2, 2, 2].map((count, index) => ({ id: `t${index}`, ...hours(count) })))
    const view = viewOf(tracker, [ana, bo])
    const end = ({ assigned, later = [] }: Proposal): number =>
      Math.max(...[...assigned, ...later].map(({ endAt = NaN }) => (endAt - NOON) / HOUR))

    expect(end(criticalPath({ duration: ({ estimateMs }) => estimateMs, steps: 0 })(view))).toBe(7)
    expect(end(estimated(view))).toBe(6)
  })

  it('rates members by how fast they are', async () => {
    const { tracker } = board()
    const task = await tracker.create({ id: 'a', description: 'A task' })
    const times: Record<Id, number> = { ana: 2 * HOUR, bo: HOUR }
    const { rate } = criticalPath({ duration: (_task, { id }) => times[id] })(viewOf(tracker, [ana, bo, member('cy')]))

    expect([ana, bo, member('cy')].map((one) => rate?.(task, one, 0))).toEqual([
      { speed: 0.5 },
      { speed: 1 },
      { speed: 0 },
    ])
  })

  it('refuses what is no duration', async () => {
    const { tracker } = board()
    await tracker.create({ id: 'a', description: 'A task' })
    const view = viewOf(tracker, [ana])

    expect(() => criticalPath({ duration: () => -1 })(view)).toThrow('duration(a, ana) must be')
    expect(() => criticalPath({} as never)).toThrow('options.duration')
  })
})
