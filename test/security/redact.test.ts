import { CrewError, Message } from 'crewlog'
import { redact } from 'crewlog/security'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

async function openWithWork() {
  const team = await openTeam(['ana', 'bo'], { retry: { attempts: 1 } })
  const { tracker, crew, environment } = team
  await tracker.create({
    id: 'tides',
    title: 'Tides of K.',
    description: 'Ask K.',
    input: { k: 'k' },
    metadata: { k: 'k' },
    labels: ['k'],
    dueAt: environment.now() + 1000,
  })
  const attempt = (await crew.as('ana').claim())!
  await attempt.progress({ value: 0.5, note: 'K. said' })
  await attempt.wait({ for: 'input', question: 'Who is K.?', of: 'bo' })
  await environment.advance('2s')
  return team
}

describe('redaction', () => {
  it('leaves out what members wrote freely, and keeps ids, numbers, states and names', async () => {
    const { tracker } = await openWithWork()
    const task = redact(tracker.get('tides')) as Record<string, unknown>
    expect(task).toMatchObject({
      id: 'tides',
      status: 'waiting',
      title: 'Tides of K.',
      labels: ['k'],
      progress: { value: 0.5 },
      waitingFor: { for: 'input', of: ['bo'] },
      attemptCount: 1,
    })
    for (const field of ['input', 'metadata', 'result']) expect(task).not.toHaveProperty(field)
    expect(task).not.toHaveProperty('waitingFor.question')
    expect(task).not.toHaveProperty('progress.note')
  })

  it('leaves out other fields by name, wherever they stand', async () => {
    const { tracker } = await openWithWork()
    const text = JSON.stringify(redact(tracker.list(), { fields: ['title', 'description', 'labels'] }))
    expect(text).not.toMatch(/K\.|"k"/)
    expect(text).toContain('"id":"tides"')
  })

  it('takes messages, threads, events and reports', async () => {
    const { tracker, communications, crew, reports } = await openWithWork()
    const heard: unknown[] = []
    crew.on('*', (event) => heard.push(event))
    crew.on('message.sent', (event) => heard.push(event))
    await crew.as('ana').send('bo', 'K. lives', { metadata: { k: 1 } })
    await tracker.resume('tides', { by: 'bo', answer: 'K.' })
    expect(redact(communications.messages({ sender: 'ana' }))).toMatchObject([
      { kind: 'task.question' },
      { sender: 'ana', recipient: 'bo' },
    ])
    const text = JSON.stringify(redact([communications.thread({ taskId: 'tides' }), heard, reports.generate('health')]))
    expect(text).not.toContain('K.')
    expect(text).toContain('"message":{')
    const draft = redact(new Message({ sender: 'ana', recipient: 'bo', content: 'K.' }))
    expect(draft).toMatchObject({ sender: 'ana', recipient: 'bo' })
    expect(draft).not.toHaveProperty('content')
  })

  it('of a report says what needs a person, without whose words', async () => {
    const { reports, communications } = await openWithWork()
    const { findings } = reports.generate('health', { redact: true }).data
    expect(findings.map(({ kind, taskId, text }) => [kind, taskId, text])).toEqual([
      ['waiting', 'tides', 'Waits for input'],
      ['overdue', 'tides', 'Overdue and waiting'],
    ])
    expect(reports.generate('health').toMarkdown()).toContain('Who is K.?')
    const thread = communications.thread({ taskId: 'tides' })
    const at = '2026-01-01T00:00:00.000Z'
    expect(thread.toMarkdown({ redact: true })).toBe(
      `**somebody** makes it, ${at}\n\n**ana** begins attempt 1, ${at}\n\n**ana** asks bo, ${at}`,
    )
    expect(thread.toMarkdown()).toContain('Who is K.?')
  })

  it('refuses what is no JSON, and answers null for nothing', () => {
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    expect(() => redact(cyclic)).toThrow(CrewError)
    expect(() => redact(1n)).toThrow(CrewError)
    expect([redact(undefined), redact(null), redact('text')]).toEqual([null, null, 'text'])
  })
})
