import { cost, conversations } from 'crewlog/reports'
import { ReportGenerator, TaskTracker } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

const MINUTE = 60_000
const START = Date.UTC(2026, 0, 1)

describe('cost', () => {
  const board = async () => {
    const team = await openTeam(['ana', 'bo'], { retry: { attempts: 50, backoffMs: { base: 0, cap: 0 } } })
    const { tracker, environment, crew } = team
    await tracker.create({ id: 'dear', title: '=SUM(A1)', description: 'x', kind: 'write', labels: ['a', 'b'] })
    await tracker.create({ id: 'cheap', description: 'Cheap', labels: ['a'] })
    await tracker.create({ id: 'free', description: 'Free' })
    const first = await crew.as('ana').claim({ taskId: 'dear' })
    await environment.advance('1m')
    await first!.fail({ error: 'once more', usage: { tokens: 100, cost: 1 } })
    const second = await crew.as('bo').claim({ taskId: 'dear' })
    await environment.advance('1m')
    await second!.complete({ usage: { tokens: 300, cost: 5 } })
    const third = await crew.as('ana').claim({ taskId: 'cheap' })
    await environment.advance('1m')
    await third!.progress({ usage: { tokens: 100, cost: 2 } })
    return team
  }

  it('is told by task, member, label and kind, the dearest first', async () => {
    const { reports } = await board()
    const { data } = reports.generate(cost())
    expect(data).toEqual({
      total: { tokens: 500, cost: 8, tasks: 2 },
      byTask: [
        { name: 'dear', title: '=SUM(A1)', tokens: 400, cost: 6, share: 0.75, tasks: 1 },
        { name: 'cheap', title: 'Cheap', tokens: 100, cost: 2, share: 0.25, tasks: 1 },
      ],
      byMember: [
        { name: 'bo', tokens: 300, cost: 5, share: 0.625, tasks: 1 },
        { name: 'ana', tokens: 200, cost: 3, share: 0.375, tasks: 2 },
      ],
      byLabel: [
        { name: 'a', tokens: 500, cost: 8, share: 1, tasks: 2 },
        { name: 'b', tokens: 400, cost: 6, share: 0.75, tasks: 1 },
      ],
      byKind: [
        { name: 'write', tokens: 400, cost: 6, share: 0.75, tasks: 1 },
        { name: '', tokens: 100, cost: 2, share: 0.25, tasks: 1 },
      ],
      uncounted: 0,
    })
  })

  it('is of attempts that ended in the window, and of those that run as it ends', async () => {
    const { reports } = await board()
    const total = (options: object) => reports.generate(cost(), options).data.total
    expect(total({ to: START + 2 * MINUTE })).toEqual({ tokens: 100, cost: 1, tasks: 1 })
    expect(total({ from: START + 2 * MINUTE, to: START + 3 * MINUTE })).toEqual({ tokens: 300, cost: 5, tasks: 1 })
    expect(total({ from: START + 2.5 * MINUTE })).toEqual({ tokens: 100, cost: 2, tasks: 1 })
    expect(total({ filter: { label: 'b' } })).toEqual({ tokens: 400, cost: 6, tasks: 1 })
  })

  it('goes by tokens where no money is told', async () => {
    const { tracker, reports } = await openTeam()
    for (const tokens of [300, 100]) {
      const { id } = await tracker.create({ description: 'x', assignees: 'ana' })
      await tracker.start(id)
      await tracker.complete(id, { usage: { tokens } })
    }
    const report = reports.generate(cost())
    expect(report.data.byTask.map(({ share }) => share)).toEqual([0.75, 0.25])
    expect(report.toMermaid()).toContain(': 400')
  })

  it('keeps what attempts spent that a task does not remember', async () => {
    const { tracker, crew, reports } = await openTeam(['ana'], {
      retry: { attempts: 50, backoffMs: { base: 0, cap: 0 } },
    })
    const { id } = await tracker.create({ description: 'x' })
    for (let n = 0; n < 22; n++) {
      const attempt = await crew.as('ana').claim({ taskId: id })
      await attempt!.fail({ error: 'no', usage: { tokens: 1 } })
    }
    const { total, byMember } = reports.generate(cost()).data
    expect(total.tokens).toBe(22)
    expect(byMember.map(({ name, tokens }) => [name, tokens])).toEqual([['ana', 20], ['', 2]]) // prettier-ignore
  })

  it('tells outsiders no titles and no labels', async () => {
    const { reports } = await board()
    const { data } = reports.generate(cost(), { redact: true })
    expect(data.byLabel).toEqual([])
    expect(data.byTask[0]).toMatchObject({ name: 'dear', title: '' })
  })

  it('is tables and a picture', async () => {
    const { reports } = await board()
    const report = reports.generate(cost())
    expect(report.toMarkdown()).toContain('| bo | 300 | 5 | 63 % | 1 |')
    expect(report.toCSV('By kind').split('\r\n').slice(0, 3)).toEqual(['"Name","Tokens","Cost","Share","Tasks"', '"write",400,6,0.75,1', '"(none)",100,2,0.25,1']) // prettier-ignore
    expect(report.toMermaid()).toMatch(/^pie/)
    expect(report.toSVG()).toMatch(/^<svg/)
    const { reports: empty } = await openTeam()
    expect(empty.generate(cost()).toMarkdown()).toContain('Nothing was spent.')
  })
})

describe('conversations', () => {
  const mail = async () => {
    const team = await openTeam(['ana', 'bo', 'cy'], { limits: { deliveries: 1 } })
    const { crew, communications, environment } = team
    const [ana, bo, cy] = ['ana', 'bo', 'cy'].map((id) => crew.as(id)) // prettier-ignore
    const question = await ana!.send(['bo', 'cy'], 'When?')
    await environment.advance('1m')
    await bo!.reply(question, 'Now')
    await bo!.reply(question, 'Or tomorrow')
    await environment.advance('2m')
    await cy!.reply(question, 'Later')
    await ana!.send('bo', 'Thanks', { expiresAt: environment.now() + MINUTE })
    const [first] = await communications.receive('cy', { limit: 1 })
    await communications.acknowledge(first!)
    await environment.advance('5m')
    await ana!.send('cy', 'Too heavy')
    const [heavy] = await communications.receive('cy', { limit: 1 })
    await communications.giveBack(heavy!, { reason: 'no' })
    return team
  }

  it('are who wrote to whom, how soon they replied, and what lies unread', async () => {
    const { reports } = await mail()
    const { data } = reports.generate(conversations())
    expect(data).toMatchObject({ messages: 6, deliveries: 7, pairCount: 4, memberCount: 3 })
    expect(data.answers).toMatchObject({ count: 2, minMs: MINUTE, maxMs: 3 * MINUTE })
    expect(data.pairs.map(({ answers: { count, meanMs }, ...row }) => ({ ...row, answers: [count, meanMs] }))).toEqual([
      { from: 'ana', to: 'bo', messages: 2, answered: 1, unread: 1, dead: 0, expired: 1, answers: [1, MINUTE] },
      { from: 'ana', to: 'cy', messages: 2, answered: 1, unread: 0, dead: 1, expired: 0, answers: [1, 3 * MINUTE] },
      { from: 'bo', to: 'ana', messages: 2, answered: 0, unread: 2, dead: 0, expired: 0, answers: [0, 0] },
      { from: 'cy', to: 'ana', messages: 1, answered: 0, unread: 1, dead: 0, expired: 0, answers: [0, 0] },
    ])
    expect(data.members.map(({ member, sent, received, answered }) => [member, sent, received, answered])).toEqual([
      ['ana', 3, 3, 0],
      ['bo', 2, 2, 1],
      ['cy', 1, 2, 1],
    ])
  })

  it('are of messages sent in the window, answered whenever', async () => {
    const { reports } = await mail()
    const { data } = reports.generate(conversations(), { to: START + MINUTE })
    expect(data).toMatchObject({ messages: 1, deliveries: 2, answers: { count: 2 } })
    expect(reports.generate(conversations(), { from: START + MINUTE, to: START + 2 * MINUTE }).data.messages).toBe(2)
  })

  it('are of those about some tasks, without what tells of commands', async () => {
    const { tracker, crew, reports } = await openTeam()
    await tracker.create({ id: 'x', description: 'x', labels: ['hot'], assignees: 'ana' })
    await tracker.create({ id: 'y', description: 'y' })
    for (const taskId of ['x', 'y']) await crew.as('bo').send('ana', 'Hello', { taskId })
    expect(reports.generate(conversations()).data.messages).toBe(2)
    expect(reports.generate(conversations(), { filter: { label: 'hot' } }).data.messages).toBe(1)
  })

  it('are tables and a picture', async () => {
    const { reports } = await mail()
    const report = reports.generate(conversations({ most: 3 }))
    expect(report.data.pairs).toHaveLength(3)
    const lines = report.toMarkdown().split('\n')
    expect(lines).toContain('Sent: 6 messages to 7 recipients. Answered: 2, half of them within 1 min, nine in ten within 3 min.') // prettier-ignore
    expect(lines).toContain('| ana | bo | 2 | 1 | 1 min | 1 min | 1 | 0 | 1 |')
    expect(lines).toContain('And 1 more pairs.')
    expect(report.toSVG()).toMatch(/^<svg/)
  })

  it('of nobody are none, and of a tracker alone, too', async () => {
    const { reports } = await openTeam()
    expect(reports.generate(conversations()).toMarkdown()).toContain('Nobody wrote.')
    const alone = new ReportGenerator({ tracker: new TaskTracker() })
    expect(alone.generate(conversations()).data).toMatchObject({ messages: 0, pairs: [], members: [] })
  })
})
