import { describe, expect, it } from 'vitest'
import { openPair, openTeam, watch } from '../support/team.js'

describe('idle', () => {
  it('is at once when there is nothing, or nobody to do it', async () => {
    const { crew, tracker } = await openTeam()
    await crew.idle()
    await tracker.create({ description: 'Tides' })
    await crew.as('ana').send('bo', 'hi')
    await crew.idle()
  })

  it('waits for commands under way', async () => {
    const { crew, tracker } = await openTeam()
    void tracker.create({ description: 'Tides' })
    await crew.idle()
    expect(tracker.count()).toBe(1)
  })

  it('waits for handlers, and for what they bring about', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.create({ description: '3 more' })
    crew.as('ana').work(async ({ task }) => {
      const left = Number(task.description[0]) - 1
      if (left > 0) await crew.as('ana').send('bo', `${left} more`)
    })
    crew.as('bo').listen(({ content }) => tracker.create({ description: content as string }))
    await crew.idle()
    expect(tracker.list({ status: 'completed' }).map(({ description }) => description)).toEqual([
      '3 more',
      '2 more',
      '1 more',
    ])
  })

  it('waits out the pause before a task is tried again', async () => {
    const { crew, tracker, environment } = await openTeam()
    let tries = 0
    await tracker.create({ description: 'Tides' })
    crew.as('ana').work(() => {
      if (++tries < 3) throw new Error('model overloaded')
    })
    const idle = watch(crew.idle())
    await environment.settle()
    expect([idle.state, tries]).toEqual(['pending', 1])
    await environment.advance('1m')
    expect([idle.state, tries]).toEqual([undefined, 3])
  })

  it('waits out the pause before a message comes back', async () => {
    const { crew, environment } = await openTeam()
    let tries = 0
    await crew.as('ana').send('bo', 'hi')
    crew.as('bo').listen(() => {
      if (++tries < 3) throw new Error('busy')
    })
    const idle = watch(crew.idle())
    await environment.settle()
    expect([idle.state, tries]).toEqual(['pending', 1])
    await environment.advance('1m')
    expect([idle.state, tries]).toEqual([undefined, 3])
  })

  it('waits for a task that is kept for another, who does not come', async () => {
    const { crew, tracker, environment } = await openTeam(['ana', 'bo', 'hana'])
    const task = await tracker.create({ description: 'Chargeback' })
    const attempt = await crew.as('ana').claim()
    await attempt!.wait({ for: 'approval', of: 'hana' })
    await crew.as('hana').answer(task.id, 'yes')
    crew.as('bo').work(() => 'by bo')
    const idle = watch(crew.idle())
    await environment.advance('59s')
    expect(idle.state).toBe('pending')
    await environment.advance('1s')
    expect([idle.state, tracker.get(task.id)?.result]).toEqual([undefined, 'by bo'])
  })

  it.each<[string, object]>([
    ['blocked by what nobody does', { dependsOn: ['first'] }],
    ['scheduled', { notBefore: '2027-01-01T00:00:00Z' }],
    ['for somebody else', { assignees: 'bo' }],
    ['for skills that nobody has', { requires: { code: 0.5 } }],
  ])('is not held by a task that is %s', async (_, draft) => {
    const { crew, tracker } = await openTeam()
    await tracker.create({ id: 'first', description: 'First', assignees: 'bo' })
    await tracker.create({ description: 'Tides', ...draft })
    crew.as('ana').work(() => undefined)
    await crew.idle()
    expect(tracker.count({ status: 'completed' })).toBe(0)
  })

  it('is not held by a task that waits for a person', async () => {
    const { crew, tracker } = await openTeam()
    const task = await tracker.create({ description: 'Chargeback' })
    crew.as('ana').work((attempt) => attempt.wait({ for: 'approval', question: 'Accept?', of: 'bo' }))
    await crew.idle()
    expect(tracker.status(task.id)).toBe('waiting')
  })

  it('is of this process: what another one does does not hold it', async () => {
    const { here, there, environment } = await openPair()
    await here.tracker.create({ description: 'Tides' })
    there.as('ana').work(() => new Promise(() => undefined))
    await environment.advance('10s')
    await here.idle()
    const idle = watch(there.idle())
    await environment.settle()
    expect(idle.state).toBe('pending')
  })

  it('can be left by time-out or signal', async () => {
    const { crew, tracker, environment } = await openTeam()
    await tracker.create({ description: 'Tides' })
    crew.as('ana').work(() => new Promise(() => undefined))
    await environment.settle()
    const controller = new AbortController()
    const late = watch(crew.idle({ timeoutMs: 5000 }))
    const aborted = watch(crew.idle({ signal: controller.signal }))
    await environment.advance('4s')
    expect([late.state, aborted.state]).toEqual(['pending', 'pending'])
    controller.abort()
    await environment.advance('1s')
    expect([late.state, aborted.state]).toEqual(['timed_out', 'cancelled'])
  })
})

describe('a worker that is stopped just as it is woken', () => {
  it('leaves the task to another who waits', async () => {
    const { crew, tracker, environment } = await openTeam()
    const workers = ['ana', 'bo'].map((id) => crew.as(id).work(() => undefined))
    await environment.settle()
    crew.on('task.created', () => {
      queueMicrotask(() => void workers[0]?.stop())
    })
    const { id } = await tracker.create({ description: 'Tides' })
    await environment.settle()
    expect(tracker.get(id)?.attempts).toMatchObject([{ member: 'bo', outcome: 'completed' }])
  })
})
