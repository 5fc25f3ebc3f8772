import { type Assignment, leastLoaded, type Proposal, type Strategy } from 'crewlog'
import { criticalPath, optimal } from 'crewlog/assignment'
import { describe, expect, it } from 'vitest'
import { named, refusal } from '../support/board.js'
import { openTeam } from '../support/team.js'

const MINUTE = 60_000
const answering =
  (proposal: Proposal): Strategy =>
  () =>
    proposal

describe('what a strategy plans for later', () => {
  const soonest = criticalPath({ duration: ({ estimateMs }) => estimateMs })

  it('is in the plan, with who and when, and given to nobody', async () => {
    const { tracker, environment } = await openTeam(['ana'])
    const from = environment.now()
    await tracker.createMany([
      named('a', { estimateMs: 2 * MINUTE }),
      named('b', { estimateMs: MINUTE, dependsOn: ['a'] }),
    ])
    const plan = await tracker.autoAssign({ strategy: soonest })
    expect(plan.later).toEqual([{ taskId: 'b', member: 'ana', startAt: from + 2 * MINUTE, endAt: from + 3 * MINUTE }])
    expect(tracker.list().map(({ assignees }) => assignees)).toEqual([['ana'], []])
  })

  it('is explained by when and to whom, and by why it is not given now', async () => {
    const { tracker, environment } = await openTeam(['ana'])
    environment.setWallClock(Date.parse('2026-01-01T12:00:00Z'))
    await tracker.createMany([
      named('a', { estimateMs: 2 * MINUTE, priority: 5 }),
      named('b', { estimateMs: MINUTE }),
      named('c', { estimateMs: MINUTE, dependsOn: ['b'] }),
    ])
    const plan = await tracker.autoAssign({ strategy: soonest, tasks: ['a', 'b', 'c'], dryRun: true })
    const words = plan.explain()
    for (const { taskId } of plan.left) expect(words.match(new RegExp(`^${taskId} `, 'gm'))).toHaveLength(1)
    expect(words.split('\n').toSorted()).toEqual([
      expect.stringMatching(/^a → ana from 2026-01-01T12:0\d:00.000Z to 2026-01-01T12:0\d:00.000Z: 1 \(speed 1\)$/),
      expect.stringMatching(/^b → ana later from .* to .*\. Whoever could do it has enough to do: ana has 1 of/),
      expect.stringMatching(/^c → ana later from .* to .*\. It waits for b \(pending\)\.$/),
    ])
  })

  it('is a line of its own for what was not asked for', async () => {
    const { tracker } = await openTeam()
    await tracker.createMany([named('a'), named('b', { dependsOn: ['a'] })])
    const strategy = answering({
      assigned: [{ taskId: 'a', member: 'ana' }],
      later: [{ taskId: 'b', member: 'bo', startAt: 0 }],
    })
    expect((await tracker.autoAssign({ strategy })).explain()).toBe(
      'a → ana\nb → bo later from 1970-01-01T00:00:00.000Z.',
    )
  })

  it('is nothing where a strategy does not plan ahead', async () => {
    const { tracker } = await openTeam()
    expect((await tracker.autoAssign({ strategy: leastLoaded() })).later).toEqual([])
  })

  const given = { taskId: 'a', member: 'ana' }
  const wrongs: readonly (readonly [string, unknown, string, RegExp])[] = [
    ['no list', {}, 'invalid_input', /^plan\.later must be a list/],
    ['no object', [1], 'invalid_input', /^plan\.later\[0\] must be an object/],
    ['no member', [{ taskId: 'b' }], 'invalid_input', /^plan\.later\[0\]\.member must be an id/],
    ['no time', [{ ...given, startAt: 1e300 }], 'invalid_input', /^plan\.later\[0\]\.startAt must be a finite number/],
    ['an unknown task', [{ taskId: 'x', member: 'ana' }], 'not_found', /^Task not found: x/],
    ['an unknown member', [{ taskId: 'b', member: 'zoe' }], 'not_found', /^Member not found: zoe/],
    ['a task that is given now', [given], 'invalid_input', /gives task a twice/],
    ['a task twice', [{ taskId: 'b', member: 'bo' }, { taskId: 'b', member: 'ana' }], 'invalid_input', /task b twice/],
  ] // prettier-ignore

  it.each(wrongs)('is refused when it is or has %s', async (_, later, code, message) => {
    const { tracker } = await openTeam()
    await tracker.createMany([named('a'), named('b')])
    const strategy = answering({ assigned: [given], later: later as readonly Assignment[] })
    const error = await refusal(tracker.autoAssign({ strategy }))
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    expect(tracker.get('a')?.assignees).toEqual([])
  })
})

describe('what a strategy says of the whole plan', () => {
  const COSTS: Readonly<Record<string, number>> = { ana: 1, bo: 2 }
  const cheapest = optimal({ cost: (_task, { id }) => COSTS[id] })

  it('is in the plan for programs, and in words before all else', async () => {
    const { tracker } = await openTeam()
    await tracker.createMany([named('a'), named('b')])
    const plan = await tracker.autoAssign({ strategy: cheapest })
    expect(plan.figures).toEqual({ cost: 3, leastCost: 3, leastLeft: 0 })
    expect(plan.explain().split('\n')[0]).toBe('It costs 3 in all; no plan costs less.')
  })

  it('is kept by a plan that serves as a strategy', async () => {
    const { tracker } = await openTeam()
    await tracker.createMany([named('a'), named('b')])
    const dry = await tracker.autoAssign({ strategy: cheapest, dryRun: true })
    const plan = await tracker.autoAssign({ strategy: () => dry })
    expect(plan.summary).toBe(dry.summary)
    expect(plan.figures).toEqual(dry.figures)
    expect(plan.explain()).toBe(dry.explain())
  })

  it('is left out where it would be of a part: the rest was planned anew', async () => {
    const { crew, tracker } = await openTeam([])
    await crew.join('ana', { capacity: 5000 })
    await tracker.createMany(Array.from({ length: 2000 }, (_, index) => named(`t${String(index)}`)))
    const strategy: Strategy = (view) => ({ ...leastLoaded()(view), summary: 'All is well', figures: { all: 1 } })
    const undisturbed = await tracker.autoAssign({ strategy, dryRun: true })
    expect(undisturbed.figures).toEqual({ all: 1 })
    const off = crew.on('task.assigned', () => {
      off()
      void tracker.cancel('t1999')
    })
    const plan = await tracker.autoAssign({ strategy })
    expect(plan.assigned).toHaveLength(1999)
    expect([plan.summary, plan.figures]).toEqual([undefined, undefined])
  })

  it.each([
    [{ summary: 1 }, /^plan\.summary must be a text/],
    [{ figures: { cost: '1' } }, /^plan\.figures\.cost must be a finite number/],
    [{ figures: [] }, /^plan\.figures must be an object/],
  ])('is checked: %j', async (more, message) => {
    const { tracker } = await openTeam()
    const error = await refusal(tracker.autoAssign({ strategy: answering({ assigned: [], ...(more as object) }) }))
    expect([error.code, error.message]).toEqual(['invalid_input', expect.stringMatching(message)])
  })
})
