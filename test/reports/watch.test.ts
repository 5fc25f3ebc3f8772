import { type ReportDefinition, type SummaryData } from 'crewlog'
import { defineReport } from 'crewlog/reports'
import { describe, expect, it } from 'vitest'
import { openPair, openTeam } from '../support/team.js'

/** The numbers of tasks that a listener has heard of. */
const listen = () => {
  const heard: number[] = []
  return { heard, listener: ({ data }: { readonly data: SummaryData }) => heard.push(data.totals.tasks) }
}

describe('watch', () => {
  it('hears when the figures have changed, once a turn', async () => {
    const { reports, tracker, environment } = await openTeam([])
    const { heard, listener } = listen()
    reports.watch('summary', listener)
    await environment.advance(1)
    expect(heard).toEqual([])
    await Promise.all([1, 2, 3].map((n) => tracker.create({ id: `t${n}`, description: 'x' })))
    await environment.advance(1)
    expect(heard).toEqual([3])
    await tracker.update('t1', { priority: 5 })
    await environment.advance(1)
    expect(heard).toEqual([3])
    await tracker.create({ description: 'x' })
    await environment.advance(1)
    expect(heard).toEqual([3, 4])
  })

  it('hears what the clock makes of tasks, and nothing of time that passes', async () => {
    const { reports, tracker, environment } = await openTeam([])
    const findings: string[][] = []
    const utilisations: number[] = []
    await tracker.create({ description: 'x', dueAt: environment.now() + 1000, requires: { magic: 1 } })
    reports.watch('health', ({ data }) => findings.push(data.findings.map(({ kind }) => kind)))
    reports.watch('workload', ({ data }) => utilisations.push(data.rows.length))
    await environment.advance('2s')
    expect(findings).toEqual([['nobody', 'overdue']])
    await environment.advance('2s')
    await tracker.update(tracker.list()[0]!.id, { labels: ['x'] })
    await environment.advance('2s')
    expect(findings).toHaveLength(1)
    expect(utilisations).toEqual([])
  })

  it('hears of messages, of definitions, and through options', async () => {
    const { reports, crew, tracker, environment } = await openTeam()
    const mail = defineReport({ name: 'mail', of: 'messages', groupBy: 'sender', measures: { n: 'count' } })
    const heard: unknown[] = []
    reports.watch(mail, ({ data }) => heard.push(data.rows))
    const { heard: some, listener } = listen()
    reports.watch('summary', listener, { filter: { label: 'sea' } })
    await crew.as('ana').send('bo', 'Hello')
    await tracker.create({ description: 'x' })
    await environment.advance(1)
    await tracker.create({ description: 'x', labels: ['sea'] })
    await environment.advance(1)
    expect(heard).toEqual([[{ group: 'ana', n: 1 }]])
    expect(some).toEqual([1])
  })

  it('hears what other processes do', async () => {
    const { here, there, environment } = await openPair([])
    const { heard, listener } = listen()
    there.reports.watch('summary', listener)
    await here.tracker.create({ description: 'x' })
    await there.sync()
    await environment.advance(1)
    expect(heard).toEqual([1])
  })

  it('ends, also when it was about to tell', async () => {
    const { reports, tracker, environment } = await openTeam([])
    const { heard, listener } = listen()
    const end = reports.watch('summary', listener)
    reports.watch('summary', () => end())
    await tracker.create({ description: 'x' })
    end()
    await environment.advance(1)
    await tracker.create({ description: 'x' })
    await environment.advance(1)
    expect(heard).toEqual([])
  })

  it('gives what listeners and reports throw to onError, and hurts nobody', async () => {
    const { reports, tracker, environment, errors } = await openTeam([])
    const { heard, listener } = listen()
    let fails = false
    const broken: ReportDefinition<number> = {
      name: 'broken',
      run: ({ tasks }) => {
        if (fails) throw new Error('run')
        return tasks.length
      },
      page: () => ({ title: 'Broken', parts: [] }),
    }
    reports.watch('summary', () => {
      throw new Error('thrown')
    })
    reports.watch('summary', async () => Promise.reject(new Error('rejected')))
    reports.watch(broken, () => heard.push(-1))
    reports.watch('summary', listener)
    fails = true
    await tracker.create({ description: 'x' })
    await environment.advance(1)
    expect(errors.map((error) => (error as Error).message).sort()).toEqual(['rejected', 'run', 'thrown'])
    expect(heard).toEqual([1])
  })

  it('refuses what generate refuses, and listeners that are none', async () => {
    const { reports } = await openTeam([])
    expect(() => reports.watch('velocity' as never, () => undefined)).toThrow(/no report of that name/)
    expect(() => reports.watch('summary', undefined as never)).toThrow(/must be a function/)
    expect(() => reports.watch('summary', () => undefined, { from: 2, to: 1 })).toThrow(/begins before it ends/)
  })

  it('ends with the crew', async () => {
    const { crew, reports, tracker, environment } = await openTeam([])
    const { heard, listener } = listen()
    reports.watch('summary', listener)
    await tracker.create({ description: 'x' })
    await crew.close()
    await environment.advance(1)
    expect(heard).toEqual([])
  })
})
