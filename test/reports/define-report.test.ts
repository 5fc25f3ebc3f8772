import { CrewError } from 'crewlog'
import { defineReport } from 'crewlog/reports'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

const HOUR = 3_600_000

async function history() {
  const team = await openTeam(['ana', 'bo'])
  const { crew, tracker, environment } = team
  const work = async (id: string, by: string, hours: number, more: object = {}) => {
    await tracker.create({ id, description: `Secret ${id}`, ...more })
    const attempt = (await crew.as(by).claim({ taskId: id, leaseMs: 30 * HOUR }))!
    await environment.advance(hours * HOUR)
    return attempt
  }
  await (await work('a', 'ana', 1, { labels: ['sea', 'moon'], priority: 3 })).complete({ usage: { tokens: 10 } })
  await (await work('b', 'ana', 3, { labels: ['sea'], title: 'Secret title' })).complete({ usage: { tokens: 20 } })
  await (await work('c', 'bo', 5)).fail({ error: 'Secret error', retryable: false })
  await work('d', 'bo', 1, { labels: ['sea'] })
  await crew.as('ana').send('bo', 'Secret words', { kind: 'note' })
  return team
}

describe('defineReport', () => {
  it('figures what rows of each group have, and counts a row in each of its groups', async () => {
    const { reports } = await history()
    const byLabel = defineReport({
      name: 'By label',
      of: 'tasks',
      groupBy: 'labels',
      measures: {
        count: 'count',
        tokens: { sum: (task) => task.usage.tokens },
        mean: { mean: 'durationMs' },
        least: { min: 'priority' },
        most: { max: 'priority' },
        half: { percentile: 'durationMs', p: 0.5 },
        done: { share: (task) => task.status === 'completed' },
        rate: { rate: (task) => task.status === 'completed', per: 'day' },
      },
    })
    const { rows } = reports.generate(byLabel).data
    // The ten hours since the first task.
    const perDay = (count: number) => (count * 24) / 10
    expect(rows).toEqual([
      { group: '', count: 1, tokens: 0, mean: 5 * HOUR, least: 1, most: 1, half: 5 * HOUR, done: 0, rate: 0 },
      { group: 'moon', count: 1, tokens: 10, mean: HOUR, least: 3, most: 3, half: HOUR, done: 1, rate: perDay(1) },
      {
        group: 'sea',
        count: 3,
        tokens: 30,
        mean: 2 * HOUR,
        least: 1,
        most: 3,
        half: HOUR,
        done: 2 / 3,
        rate: perDay(2),
      },
    ])
  })

  it('says null where there is nothing to take a mean of, and one group without groupBy', async () => {
    const { reports } = await history()
    const open = defineReport({
      name: 'Open',
      of: 'tasks',
      where: { status: 'in_progress' },
      measures: { count: 'count', took: { mean: 'durationMs' }, spent: { sum: 'durationMs' } },
    })
    expect(reports.generate(open).data.rows).toEqual([{ group: '', count: 1, took: null, spent: 0 }])
    expect(reports.generate(open, { to: 5 }).data.rows).toEqual([])
  })

  it('is of attempts and of messages, too', async () => {
    const { reports } = await history()
    const attempts = defineReport({
      name: 'Attempts',
      of: 'attempts',
      groupBy: 'outcome',
      measures: { count: 'count', longest: { max: 'durationMs' } },
    })
    expect(reports.generate(attempts).data.rows).toEqual([
      { group: '', count: 1, longest: null },
      { group: 'completed', count: 2, longest: 3 * HOUR },
      { group: 'failed', count: 1, longest: 5 * HOUR },
    ])
    const mail = defineReport({
      name: 'Mail',
      of: 'messages',
      where: { sender: 'ana' },
      groupBy: (message) => message.kind,
      measures: { letters: { sum: ({ content }) => JSON.stringify(content).length } },
    })
    expect(reports.generate(mail).data.rows).toEqual([{ group: 'note', letters: 14 }])
  })

  it('takes filters, functions, windows and the rule for percentiles', async () => {
    const { reports, environment } = await history()
    const count = { count: 'count' } as const
    const of = (where: object, options = {}) =>
      reports.generate(defineReport({ name: 'x', of: 'tasks', where, measures: count }), options).data.rows[0]?.count ??
      0
    expect(of({ label: 'sea' })).toBe(3)
    expect(of({ label: 'sea' }, { filter: { status: 'completed' } })).toBe(2)
    expect(of({ label: 'sea' }, { from: environment.now() })).toBe(1)
    expect(of((task: { priority: number }) => task.priority > 1)).toBe(1)
    const half = defineReport({ name: 'x', of: 'tasks', measures: { half: { percentile: 'durationMs', p: 0.5 } } })
    expect(reports.generate(half).data.rows[0]?.half).toBe(3 * HOUR)
    const two = { filter: { label: 'sea' } }
    expect(reports.generate(half, { ...two, percentile: 'linear' }).data.rows[0]?.half).toBe(2 * HOUR)
    const ofAttempts = defineReport({ name: 'x', of: 'attempts', where: { label: 'moon' }, measures: count })
    expect(reports.generate(ofAttempts).data.rows[0]?.count).toBe(1)
  })

  it('orders by a measure, the greatest first and what has none last, and keeps the first groups', async () => {
    const { reports } = await history()
    const byTask = defineReport({
      name: 'Longest',
      of: 'tasks',
      groupBy: 'id',
      measures: { took: { max: 'durationMs' } },
      orderBy: 'took',
    })
    expect(reports.generate(byTask).data.rows.map(({ group }) => group)).toEqual(['c', 'b', 'a', 'd'])
    const first = defineReport({ name: 'x', of: 'tasks', groupBy: 'id', measures: { n: 'count' }, limit: 2 })
    expect(reports.generate(first).data.rows.map(({ group }) => group)).toEqual(['a', 'b'])
  })

  it('is shown with the units of its figures', async () => {
    const { reports } = await history()
    const report = reports.generate(
      defineReport({
        name: 'Shown',
        of: 'tasks',
        where: { label: 'moon' },
        groupBy: 'id',
        measures: { took: { mean: 'durationMs' }, done: { share: ({ status }) => status === 'completed' } },
      }),
    )
    expect(report.toMarkdown()).toBe('## Shown\n\n| id | took | done |\n| --- | --- | --- |\n| a | 1 h 0 min | 100 % |')
    expect(report.toCSV()).toBe('"id","took (ms)","done"\r\n"a",3600000,1\r\n')
  })

  it('gives its functions no words of others, for outsiders', async () => {
    const { reports } = await history()
    const words: unknown[] = []
    const hear = (row: unknown) => {
      words.push(row)
      return 'x'
    }
    const secrets = () => words.splice(0).map((row) => JSON.stringify(row)).filter((row) => row.includes('Secret')).length // prettier-ignore
    for (const [of, some] of [
      ['tasks', 4],
      ['attempts', 4],
      ['messages', 1],
    ] as const) {
      const report = defineReport({ name: 'x', of, groupBy: hear, measures: { n: 'count' } })
      reports.generate(report)
      expect(secrets()).toBe(some)
      reports.generate(report, { redact: true })
      expect(secrets()).toBe(0)
    }
    const titles = defineReport({ name: 'x', of: 'tasks', groupBy: 'title', measures: { n: 'count' } })
    expect(reports.generate(titles, { redact: true }).data.rows).toEqual([{ group: '', n: 4 }])
  })

  it.each<[object, RegExp]>([
    [{ name: '' }, /report\.name/],
    [{ of: 'members' }, /one of tasks, attempts, messages/],
    [{ measures: {} }, /measures is empty/],
    [{ measures: { group: 'count' } }, /cannot be named group/],
    [{ measures: { n: 'number' } }, /must be 'count', or an object with one of sum, mean/],
    [{ measures: { n: { sum: 5 } } }, /n\.sum must be the name of a field, or a function/],
    [{ measures: { n: { percentile: 'priority', p: 95 } } }, /p must be a number from 0 to 1/],
    [{ measures: { n: { share: 'status' } } }, /must be a function of a row/],
    [{ measures: { n: { rate: () => true, per: 'year' } } }, /per must be one of hour, day, week/],
    [{ orderBy: 'm' }, /orderBy must be group, or one of the measures: n/],
    [{ limit: 0 }, /limit/],
    [{ groupBy: 5 }, /groupBy must be the name of a field/],
    [{ where: { limit: 5 } }, /no field "limit"/],
    [{ where: { colour: 'red' } }, /no field "colour"/],
    [{ of: 'messages', where: { after: 'x' } }, /no field "after"/],
    [{ having: 5 }, /no field "having"/],
  ])('refuses %j', (change, message) => {
    const report = { name: 'Mine', of: 'tasks', measures: { n: 'count' }, ...change }
    expect(() => defineReport(report as never)).toThrow(message)
  })

  it.each([
    [{ groupBy: 'label' }, /groupBy names a field that rows do not have: "label"/],
    [{ groupBy: 'usage' }, /must give texts/],
    [{ measures: { n: { sum: 'tokens' } } }, /n\.sum names a field/],
  ])('refuses %j once it is made of rows', async (change, message) => {
    const { reports } = await history()
    const report = defineReport({ name: 'Mine', of: 'tasks', measures: { n: 'count' }, ...change } as never)
    expect(() => reports.generate(report)).toThrow(message)
    expect(() => reports.generate(report)).toThrow(CrewError)
  })

  it('lets what its functions throw come through, and changes nothing by it', async () => {
    const { reports } = await history()
    const broken = defineReport({
      name: 'Broken',
      of: 'tasks',
      measures: {
        n: {
          sum: () => {
            throw new Error('mine')
          },
        },
      },
    })
    expect(() => reports.generate(broken)).toThrow('mine')
    expect(reports.generate('summary').data.totals.tasks).toBe(4)
  })

  it('agrees with a reckoning by hand, whatever the rows are', async () => {
    const report = defineReport({
      name: 'x',
      of: 'tasks',
      groupBy: 'labels',
      measures: {
        n: 'count',
        sum: { sum: 'priority' },
        mean: { mean: 'priority' },
        top: { percentile: 'priority', p: 0.9 },
      },
    })
    const labels = fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { maxLength: 3 })
    const drafts = fc.array(fc.record({ labels, priority: fc.integer({ min: -5, max: 5 }) }), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(drafts, async (given) => {
        const { tracker, reports, crew } = await openTeam([])
        await tracker.createMany(given.map((draft) => ({ description: 'x', ...draft })))
        for (const { group, n, sum, mean, top } of reports.generate(report).data.rows) {
          const own = given.filter(({ labels: all }) => (group === '' ? all.length === 0 : all.includes(group as 'x')))
          const values = own.map(({ priority }) => priority).sort((a, b) => a - b)
          expect(n).toBe(values.length)
          expect(sum).toBe(values.reduce((all, one) => all + one, 0))
          expect(mean).toBeCloseTo(sum / n, 9)
          expect(values.filter((value) => value <= top!).length / n).toBeGreaterThanOrEqual(0.9)
        }
        await crew.close()
      }),
      { numRuns: 40 },
    )
  })
})
