import { type Report, type ReportDefinition, type TaskTracker } from 'crewlog'
import type { Page, ReportView } from 'crewlog/reports'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

/** A report whose figures are these. */
async function reportOf(page: Page): Promise<Report<string>> {
  const { reports } = await openTeam([])
  const definition: ReportDefinition<string> = { name: 'mine', run: () => 'figures', page: () => page }
  return reports.generate(definition)
}

const PAGE: Page = {
  title: 'Mine',
  parts: [
    {
      columns: ['Name', { name: 'Took', as: 'duration' }, { name: 'Share', as: 'share' }, { name: 'At', as: 'time' }],
      rows: [
        ['a, "b"', 90_000, 0.25, Date.UTC(2026, 11, 1, 12)],
        [undefined, undefined, NaN, undefined],
      ],
    },
    'Words of ours.',
    { title: 'Others', columns: ['Name'], rows: [['x'], ['y'], ['z']], most: 2 },
    { title: 'None', columns: ['Name'], rows: [], empty: 'There are none.' },
  ],
}

describe('Markdown', () => {
  it('has tables and words in their order, and figures as people read them', async () => {
    const report = await reportOf(PAGE)
    expect(report.toMarkdown()).toBe(
      [
        '## Mine',
        '',
        '| Name | Took | Share | At |',
        '| --- | --- | --- | --- |',
        '| a, "b" | 2 min | 25 % | 2026-12-01 12:00 |',
        '|  |  |  |  |',
        '',
        'Words of ours.',
        '',
        '### Others',
        '',
        '| Name |',
        '| --- |',
        '| x |',
        '| y |',
        '',
        'and 1 more',
        '',
        '### None',
        '',
        'There are none.',
      ].join('\n'),
    )
  })
})

describe('CSV', () => {
  it('is the first table, with figures as they are', async () => {
    const report = await reportOf(PAGE)
    expect(report.toCSV()).toBe(
      '"Name","Took (ms)","Share","At"\r\n"a, ""b""",90000,0.25,2026-12-01T12:00:00.000Z\r\n,,,\r\n',
    )
  })

  it('is another table by its title, with all its rows', async () => {
    const report = await reportOf(PAGE)
    expect(report.toCSV('Others')).toBe('"Name"\r\n"x"\r\n"y"\r\n"z"\r\n')
    expect(() => report.toCSV('nonsense')).toThrow(/there are Others, None/)
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1', '\uFEFF=1', '\n=1'])(
    'makes no formula of %j',
    async (text) => {
      const report = await reportOf({ title: 'Mine', parts: [{ columns: ['Name'], rows: [[text]] }] })
      expect(report.toCSV()).toBe(`"Name"\r\n"'${text}"\r\n`)
    },
  )

  it('leaves negative figures figures', async () => {
    const page: Page = { title: 'Mine', parts: [{ columns: [{ name: 'Change', as: 'number' }], rows: [[-1]] }] }
    expect((await reportOf(page)).toCSV()).toBe('"Change"\r\n-1\r\n')
  })
})

describe('what a report is made from', () => {
  /** Ids of what a view has. */
  const ids: ReportDefinition<readonly string[]> = {
    name: 'ids',
    run: (view: ReportView) => view.tasks.map(({ id }) => id),
    page: (rows) => ({ title: 'Ids', parts: [{ columns: ['Id'], rows: rows.map((id) => [id]) }] }),
  }

  async function history(tracker: TaskTracker, advance: (ms: number) => Promise<void>) {
    await tracker.create({ id: 'early', description: 'Early', assignees: 'ana' })
    await tracker.create({ id: 'long', description: 'Long', labels: ['sea'] })
    await advance(10)
    await tracker.start('early')
    await tracker.complete('early')
    await advance(10)
    await tracker.create({ id: 'late', description: 'Late' })
  }

  it('is what was open at some time in the window, which begins with from and ends before to', async () => {
    const { reports, tracker, environment } = await openTeam(['ana'])
    const start = environment.now()
    await history(tracker, (ms) => environment.advance(ms))
    const within = (from: number, to: number) => reports.generate(ids, { from: start + from, to: start + to }).data
    expect(within(0, 1)).toEqual(['early', 'long'])
    expect(within(10, 20)).toEqual(['early', 'long'])
    expect(within(11, 21)).toEqual(['long', 'late'])
    expect(within(-5, 0)).toEqual([])
    expect(reports.generate(ids).data).toEqual(['early', 'long', 'late'])
    expect(reports.generate(ids, { filter: { label: 'sea' } }).data).toEqual(['long'])
  })

  it('says the window that was asked for', async () => {
    const { reports } = await openTeam([])
    expect(reports.generate(ids, { from: 5 })).toHaveProperty('window', { from: 5 })
    expect(reports.generate(ids, { from: 5, to: new Date(7) }).toJSON()).toMatchObject({ window: { from: 5, to: 7 } })
    expect(reports.generate(ids)).not.toHaveProperty('window')
  })

  it.each([
    [{ from: 5, to: 5 }, /from is not before options\.to/],
    [{ from: '2026-01-01' }, /options\.from must be a Date/],
    [{ filter: { limit: 3 } }, /no field "limit"/],
    [{ filter: { label: undefined } }, /undefined/],
    [{ percentile: 'middle' }, /nearest-rank, linear/],
    [{ until: 5 }, /no field/],
  ])('refuses %j', async (options, message) => {
    const { reports } = await openTeam([])
    expect(() => reports.generate(ids, options as never)).toThrow(message)
  })

  it('refuses what is no definition', async () => {
    const { reports } = await openTeam([])
    expect(() => reports.generate({ name: 'mine' } as never)).toThrow(
      /report must be an object with the methods run, page/,
    )
    expect(() => reports.generate({ ...ids, name: '' })).toThrow(/report\.name/)
    expect(() => reports.generate('ids' as never)).toThrow(/there are summary, workload, health/)
  })
})
