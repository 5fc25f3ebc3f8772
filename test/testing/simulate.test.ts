import { commitText, type JournalStorage, leastLoaded, type TaskDraft } from 'crewlog'
import { type Faults, simulate } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { lookups } from '../support/counted.js'

const EVERYTHING: Faults = {
  crash: 6,
  stall: 6,
  suspend: 3,
  clockStep: 6,
  storage: 0.2,
  lostWake: 0.3,
  doubled: 0.5,
}

async function bytesOf(storage: JournalStorage, name: string): Promise<string> {
  const run = await storage.read(name, 0, Infinity)
  return 'commits' in run ? run.commits.map(commitText).join('\n') : ''
}

describe('simulate', () => {
  it('works tasks off in a time that passes by itself, and tells how it went', async () => {
    const { report, crew, seed } = await simulate({ members: 3, tasks: 12, durationMs: 60_000 })
    expect(seed).toBe(1)
    expect(report.data).toMatchObject({
      processes: 1,
      tasks: { total: 12, completed: 12, failed: 0, cancelled: 0, open: 0 },
      faults: {},
      waiting: { count: 12 },
      working: { count: 12, p50Ms: 60_000 },
    })
    // Four rounds of a minute, and what the storage takes.
    expect(report.data.makespanMs).toBeGreaterThan(240_000)
    expect(report.data.makespanMs).toBeLessThan(241_000)
    expect(report.data.members.map(({ member, completed }) => [member, completed])).toEqual([
      ['member-1', 4],
      ['member-2', 4],
      ['member-3', 4],
    ])
    for (const { utilisation } of report.data.members) expect(utilisation).toBeCloseTo(1, 2)
    expect(crew.tracker.count({ status: 'completed' })).toBe(12)
    expect(crew.reports.generate('summary').data.totals.completed).toBe(12)
    expect(report.toMarkdown()).toContain('| Makespan | 4 min |')
    expect(report.toJSON()).toEqual(report.data)
  })

  it('counts the attempts, those that failed and those that were lost, as the tasks tell', async () => {
    const { report, crew } = await simulate({
      seed: 3,
      processes: 3,
      tasks: 60,
      faults: { crash: 6, stall: 6 },
      behaviour: { fail: 0.2 },
    })
    const records = crew.tracker.list().flatMap((task) => task.attempts)
    const ended = (outcome: string): number => records.filter((attempt) => attempt.outcome === outcome).length
    const total = records.length
    const attempts = { total, failed: ended('failed'), lost: ended('lost') }
    expect(report.data.attempts).toEqual(attempts)
    expect(Math.min(attempts.failed, attempts.lost, total - 60)).toBeGreaterThan(0)
    expect(report.toMarkdown()).toContain(
      `| Attempts | ${attempts.total}: ${attempts.failed} failed, ${attempts.lost} lost |`,
    )
  })

  it('takes spans with their units wherever it takes milliseconds', async () => {
    const inWords = await simulate({
      tasks: 10,
      durationMs: { fromMs: '1m', toMs: '2m' },
      arrivalMs: '5s',
      latencyMs: '2ms',
      limitMs: '1h',
      handler: async (_, { think }) => {
        await think('1.5m')
      },
      meanwhile: async (simulation) => {
        await simulation.wait('10s')
      },
    })
    const inNumbers = await simulate({
      tasks: 10,
      durationMs: { fromMs: 60_000, toMs: 120_000 },
      arrivalMs: 5000,
      latencyMs: 2,
      limitMs: 3_600_000,
      handler: async (_, { think }) => {
        await think(90_000)
      },
      meanwhile: async (simulation) => {
        await simulation.wait(10_000)
      },
    })
    const bytes = await bytesOf(inWords.storage, inWords.name)
    expect(bytes).toBe(await bytesOf(inNumbers.storage, inNumbers.name))
    expect(bytes.length).toBeGreaterThan(1000)
  })

  it('makes the same journal, byte for byte, of the same seed, whatever goes wrong; another one of another', async () => {
    const bytes = async (seed: number) => {
      const { storage, name } = await simulate({
        seed,
        processes: 3,
        tasks: 40,
        faults: EVERYTHING,
        behaviour: { fail: 0.1, stall: 0.1, ask: 0.3 },
      })
      return bytesOf(storage, name)
    }
    const [first, second, other] = [await bytes(7), await bytes(7), await bytes(8)]
    expect(first.length).toBeGreaterThan(10_000)
    expect(second).toBe(first)
    expect(other).not.toBe(first)
  })

  it('ends all tasks though processes die, stop, sleep and err about the time, and the storage fails', async () => {
    const seen = new Set<string>()
    for (const seed of [1, 2, 3, 4]) {
      const { report } = await simulate({ seed, processes: 3, tasks: 60, faults: EVERYTHING })
      expect(report.data.tasks).toMatchObject({ total: 60, open: 0 })
      for (const fault of Object.keys(report.data.faults)) seen.add(fault)
    }
    for (const fault of ['crash', 'stall', 'suspend', 'clock step', 'lost answer', 'hang', 'late', 'lost wake'])
      expect(seen).toContain(fault)
  })

  it('sizes a crew: twice the members take half the time, and tasks wait less', async () => {
    const ofSize = async (members: number) => (await simulate({ members, tasks: 400 })).report.data
    const [few, many] = [await ofSize(10), await ofSize(20)]
    expect(many.makespanMs / few.makespanMs).toBeLessThan(0.7)
    expect(many.waiting.meanMs).toBeLessThan(few.waiting.meanMs)
  })

  // Guard, taken out once: that takers.ts calls one of those who wait for a task, `#takerFor`, and not all.
  it.each([
    ['are all there', (members: number) => ({ members, tasks: 10 * members })],
    ['come one by one', (members: number) => ({ members, tasks: members, arrivalMs: 2000, durationMs: 1000 })],
  ])('costs by members and tasks that %s, and not by all members for each task', async (_, optionsFor) => {
    const costOf = (members: number): Promise<number> =>
      lookups(async () => {
        const { report } = await simulate(optionsFor(members))
        expect(report.data.tasks.open).toBe(0)
      })
    expect(await costOf(100)).toBeLessThan(2.2 * (await costOf(50)))
  })

  it('gives a task the same duration whoever does it, so that strategies are compared on the same work', async () => {
    const work = new Map<string, number>()
    const run = (assign?: () => string) =>
      simulate({
        tasks: 20,
        ...(assign && { assign }),
        handler: async ({ task }, { durationMs, think }) => {
          expect(durationMs).toBe(work.get(task.id) ?? durationMs)
          work.set(task.id, durationMs)
          await think(durationMs)
        },
      })
    await run()
    const { report } = await run(() => 'member-2')
    expect(work.size).toBe(20)
    expect(report.data.members.map(({ completed }) => completed)).toEqual([0, 20, 0, 0, 0])
  })

  it('assigns what becomes ready as the strategy says, dependents included', async () => {
    const tasks: TaskDraft[] = [
      { id: 'first', description: 'First' },
      { id: 'second', description: 'Second', dependsOn: ['first'] },
    ]
    const { crew } = await simulate({ tasks, assign: ({ id }) => (id === 'first' ? 'member-3' : 'member-4') })
    expect(crew.tracker.list().map(({ assignees }) => assignees)).toEqual([['member-3'], ['member-4']])
  })

  it('assigns by a strategy of the crew, in each process, though processes die', async () => {
    const { crew, report, errors } = await simulate({
      members: 6,
      tasks: 40,
      processes: 3,
      faults: EVERYTHING,
      crew: { assignment: { strategy: leastLoaded() } },
    })
    expect(report.data.tasks).toMatchObject({ total: 40, open: 0 })
    // What nobody is given while all are busy stays open to whoever claims it.
    expect(crew.tracker.list().filter(({ autoAssigned }) => autoAssigned === true).length).toBeGreaterThan(10)
    expect(errors.map(String).filter((error) => error.includes('The strategy'))).toEqual([])
  })

  it('takes members with skills, speed and capacity, and tasks that come one by one', async () => {
    const { report, crew } = await simulate({
      members: [
        { id: 'ana', skills: { maths: 1 }, capacity: 2 },
        { id: 'bo', speed: 10 },
      ],
      tasks: function* (random) {
        for (let n = 0; n < 30; n++)
          yield { description: 'Sum', requires: random() < 0.5 ? { maths: 0.5 } : {}, labels: [String(n)] }
      },
      arrivalMs: { fromMs: 1000, toMs: 3000 },
      durationMs: (random, { task }) => (task.labels[0] === '0' ? 1 : 20_000 * random()),
    })
    expect(report.data.tasks.completed).toBe(30)
    const maths = crew.tracker.list().filter(({ requires }) => 'maths' in requires)
    expect(maths.length).toBeGreaterThan(5)
    expect(new Set(maths.map(({ attempts }) => attempts[0]?.member))).toEqual(new Set(['ana']))
    const created = crew.tracker.list().map(({ createdAt }) => createdAt)
    expect(created.at(-1)! - created[0]!).toBeGreaterThan(29_000)
  })

  it('lets members fail, stall and ask each other', async () => {
    const { report, crew } = await simulate({ tasks: 60, behaviour: { fail: 0.2, stall: 0.1, ask: 0.5 } })
    expect(report.data.working.count).toBeGreaterThan(report.data.tasks.total)
    const questions = crew.communications.messages({ kind: 'question' })
    expect(questions.length).toBeGreaterThan(10)
    const answers = crew.communications.messages().flatMap(({ replyTo }) => replyTo ?? [])
    expect(answers.sort()).toEqual(questions.map(({ id }) => id).sort())
  })

  it('counts nothing that comes after its limit, and says that it was ended by it', async () => {
    const limitMs = 100_000
    const { report } = await simulate({ members: 3, tasks: 20, durationMs: 60_000, limitMs })
    expect(report.data).toMatchObject({ makespanMs: limitMs, endedBy: 'limitMs', tasks: { completed: 3, open: 17 } })
    for (const { utilisation, busyMs } of report.data.members) {
      expect(utilisation).toBeLessThanOrEqual(1)
      expect(busyMs).toBeLessThanOrEqual(limitMs)
    }
    expect(report.data.working.p95Ms).toBeLessThanOrEqual(limitMs)
    expect(report.toMarkdown()).toContain('| End | ended by limitMs, 17 open |')
  })

  it('ends when nothing can happen any more, and says what is open', async () => {
    const { report } = await simulate({
      tasks: [{ description: 'Nobody can', requires: { magic: 1 } }, { description: 'Somebody can' }],
    })
    expect(report.data).toMatchObject({ endedBy: 'quiet', tasks: { completed: 1, open: 1 } })
  })

  it('does what happens meanwhile, in whichever process runs', async () => {
    const { crew, report } = await simulate({
      processes: 2,
      tasks: 20,
      durationMs: 60_000,
      async meanwhile(simulation) {
        expect([simulation.processes, simulation.elapsedMs < 1000]).toEqual([2, true])
        await simulation.wait(90_000)
        await simulation.crew()?.tracker.cancel('task-20', { reason: 'not needed' })
        expect(simulation.crew(5)).toBeUndefined()
      },
    })
    expect(crew.tracker.status('task-20')).toBe('cancelled')
    expect(report.data.tasks).toMatchObject({ completed: 19, cancelled: 1 })
  })

  it('says the seed, and how to repeat it, when a check fails', async () => {
    const failing = simulate({
      seed: 17,
      check: ({ report }) => {
        expect(report.data.tasks.open).toBe(1)
      },
    })
    await expect(failing).rejects.toThrow(/^Seed 17 fails; repeat it with simulate\(\{ seed: 17, … \}\): expected/)
  })

  it.each([
    { members: 0 },
    { processes: 0 },
    { faults: { crash: -1 } },
    { faults: { flood: 1 } },
    { durationMs: { meanMs: -1 } },
    { durationMs: () => NaN },
    { arrivalMs: 'often' },
    { limitMs: '1 month' },
    { durationMs: { meanMs: '1 h' } },
    { tasks: -1 },
    { members: [{ id: 'ana', speed: 0 }] },
    { members: [{ id: '' }] },
    { assign: 'ana' },
    { seeds: 3 },
  ])('refuses %o', async (options) => {
    await expect(simulate(options as never)).rejects.toMatchObject({ code: 'invalid_input' })
  })
})
