import { openCrew } from 'crewlog'
import { conversations, criticalPath, forecast } from 'crewlog/reports'
import { manualEnvironment } from 'crewlog/testing'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readInputFile } from '../../examples/demo/input-file.js'

// Recorded workflows and conversations of other projects, and what an independent program says of them.

const data = process.env['CREWLOG_DATA']

interface Workflow {
  readonly tasks: number
  readonly critical_path_ms: number
  readonly workers: Readonly<Record<string, { readonly critical_path_ms: number; readonly lower_bound_ms: number }>>
}
interface Conversations {
  readonly messages: number
  readonly deliveries: number
  readonly sent: Readonly<Record<string, number>>
  readonly received: Readonly<Record<string, number>>
}
interface Trace {
  readonly messages: readonly { readonly from: string; readonly to: string }[]
}

if (data === undefined) {
  if (process.env['CREWLOG_REQUIRE_SERVICES'] === '1')
    it('needs recorded data', () => expect.fail('CREWLOG_DATA must name the folder of recorded data'))
  else {
    console.log('Skipped: reports of recorded workflows and conversations, as CREWLOG_DATA is not set')
    it.skip('reports of recorded workflows and conversations')
  }
} else {
  const expected = async <T>(name: string): Promise<T> =>
    JSON.parse(await readFile(join(data, 'expected', name), 'utf8')) as T
  const workflows = Object.entries(await expected<Readonly<Record<string, Workflow>>>('workflows.json'))

  it.each(workflows)('finds the critical path of %s', async (name, { tasks, critical_path_ms }) => {
    const crew = await openCrew({ environment: manualEnvironment() })
    await crew.tracker.createMany((await readInputFile(join(data, 'workflows', name))).tasks)
    const { totalMs, open, chain } = crew.reports.generate(criticalPath()).data
    expect({ open, totalMs }).toEqual({ open: tasks, totalMs: critical_path_ms })
    expect(chain.reduce((sum, { durationMs }) => sum + durationMs, 0)).toBe(critical_path_ms)
  })

  it.each(workflows)('forecasts the end of %s with 1 to 16 members', async (name, { workers }) => {
    for (const [members, { critical_path_ms }] of Object.entries(workers)) {
      const environment = manualEnvironment()
      const crew = await openCrew({ environment })
      for (let n = 1; n <= Number(members); n++) await crew.join(`member-${n}`)
      await crew.tracker.createMany((await readInputFile(join(data, 'workflows', name))).tasks)
      const { endsAt } = crew.reports.generate(forecast({ runs: 1 })).data
      expect(endsAt.p95).toBe(environment.now() + critical_path_ms)
    }
  })

  it('counts who wrote and who got how much in recorded conversations', async () => {
    const lines = (await readFile(join(data, 'conversations', 'traces.jsonl'), 'utf8')).trim().split('\n')
    const figures = { messages: 0, deliveries: 0, sent: new Map<string, number>(), received: new Map<string, number>() }
    const add = (counts: Map<string, number>, name: string, count: number) => counts.set(name, (counts.get(name) ?? 0) + count) // prettier-ignore
    for (const line of lines) {
      const { messages } = JSON.parse(line) as Trace
      const crew = await openCrew({ environment: manualEnvironment() })
      for (const name of new Set(messages.flatMap(({ from, to }) => (to === '*' ? [from] : [from, to]))))
        await crew.join(name)
      for (const { from, to } of messages) {
        // Alone in its conversation, it has nobody to write to.
        const members = crew.members.map(({ id }) => id).filter((id) => id !== from)
        if (to === '*' && members.length === 0) await crew.communications.broadcast({ sender: from, content: 'x' })
        else await crew.as(from).send(to === '*' ? members : to, 'x')
      }
      const { messages: sent, deliveries, members } = crew.reports.generate(conversations({ most: 100 })).data
      figures.messages += sent
      figures.deliveries += deliveries
      for (const one of members) {
        add(figures.sent, one.member, one.sent)
        add(figures.received, one.member, one.received)
      }
    }
    const wanted = await expected<Conversations>('conversations.json')
    expect(figures).toMatchObject({ messages: wanted.messages, deliveries: wanted.deliveries })
    for (const [name, count] of Object.entries(wanted.sent))
      expect([name, figures.sent.get(name)]).toEqual([name, count])
    for (const [name, count] of Object.entries(wanted.received)) expect([name, figures.received.get(name)]).toEqual([name, count]) // prettier-ignore
  })
}
