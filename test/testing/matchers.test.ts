import { openCrew } from 'crewlog'
import { crewMatchers, manualEnvironment, recordEvents } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

expect.extend(crewMatchers)

describe('toHaveStatus', () => {
  it('looks at the status of a task', async () => {
    const { tracker } = await openTeam()
    const task = await tracker.create({ id: 'tides', description: 'Tides' })
    expect(task).toHaveStatus('pending')
    expect(task).not.toHaveStatus('completed')
    await expect(tracker.start('tides', { by: 'ana' })).resolves.toHaveStatus('in_progress')
  })

  it('tells what became of the task instead', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.create({ id: 'tides', description: 'Tides' })
    await (await crew.as('ana').claim())!.fail({ error: 'model overloaded' })
    expect(() => {
      expect(tracker.get('tides')).toHaveStatus('completed')
    }).toThrow('Expected task tides to be completed, but it is pending\n  attempt 1 of ana: failed, model overloaded')
    await tracker.cancel('tides', { reason: 'no moon' })
    expect(() => {
      expect(tracker.get('tides')).toHaveStatus('completed')
    }).toThrow('but it is cancelled\n  attempt 1 of ana: failed, model overloaded\n  cancelled: no moon')
    expect(() => {
      expect(tracker.get('tides')).not.toHaveStatus('cancelled')
    }).toThrow('Expected task tides not to be cancelled')
    expect(() => {
      expect(tracker.get('moon')).toHaveStatus('completed')
    }).toThrow('Expected a task that is completed, but there is no such task')
    expect(() => {
      expect(tracker).toHaveStatus('completed')
    }).toThrow('toHaveStatus looks at a task: expect(crew.tracker.get(id))')
  })

  it('tells whom a task waits for', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.create({ id: 'tides', description: 'Tides' })
    await (await crew.as('ana').claim())!.wait({ for: 'approval', of: 'bo' })
    expect(() => {
      expect(tracker.get('tides')).toHaveStatus('completed')
    }).toThrow('attempt 1 of ana: waiting\n  waits for approval of bo')
  })
})

describe('toHaveReceived', () => {
  it('looks at all that was sent to a member, read or not', async () => {
    const { crew } = await openTeam()
    const [ana, bo] = [crew.as('ana'), crew.as('bo')]
    expect(bo).not.toHaveReceived()
    await ana.send('bo', 'Hello bo', { kind: 'greeting' })
    await ana.send('bo', { files: 3, by: ['ana'] })
    for (const delivery of await bo.receive()) await bo.acknowledge(delivery)
    expect(bo).toHaveReceived()
    expect(bo).toHaveReceived('Hello bo')
    expect(bo).toHaveReceived(/^hello/i)
    expect(bo).toHaveReceived({ sender: 'ana', kind: 'greeting' })
    expect(bo).toHaveReceived({ content: { files: 3 } })
    expect(bo).toHaveReceived({ content: expect.objectContaining({ by: ['ana'] }) as unknown })
    expect(bo).toHaveReceived(expect.stringContaining('bo') as never)
    expect(bo).not.toHaveReceived('Hello')
    expect(bo).not.toHaveReceived({ sender: 'bo' })
    expect(bo).not.toHaveReceived({ content: { files: 3, by: [] } })
    expect(ana).not.toHaveReceived()
  })

  it('tells what was received instead', async () => {
    const { crew } = await openTeam()
    const bo = crew.as('bo')
    expect(() => {
      expect(bo).toHaveReceived('Hello')
    }).toThrow('Expected bo to have received a message like "Hello"; it received nothing')
    await crew.as('ana').send('bo', 'Hello bo', { kind: 'greeting' })
    expect(() => {
      expect(bo).toHaveReceived({ content: /^Hi/ })
    }).toThrow('a message like {"content":"/^Hi/"}; it received\n  ana: "Hello bo" (greeting)')
    expect(() => {
      expect(bo).not.toHaveReceived()
    }).toThrow('Expected bo not to have received a message')
    expect(() => {
      expect('bo').toHaveReceived()
    }).toThrow("toHaveReceived looks at a member: expect(crew.as('ana'))")
  })
})

describe('toHaveHappenedBefore', () => {
  it('looks at the order of what was recorded', async () => {
    const environment = manualEnvironment()
    const crew = await openCrew({ environment })
    const events = recordEvents(crew)
    const ana = await crew.join('ana')
    await crew.tracker.create({ id: 'a', description: 'A' })
    await crew.tracker.create({ id: 'b', description: 'B', dependsOn: ['a'] })
    ana.work(() => 'done')
    await environment.settle()
    expect(events).toHaveHappenedBefore('created', 'started')
    expect(events).toHaveHappenedBefore('member.joined', 'task.created')
    expect(events).toHaveHappenedBefore({ type: 'completed', id: 'a' }, { type: 'started', id: 'b' })
    expect(events).toHaveHappenedBefore(
      { type: 'started', by: 'ana' },
      { type: 'completed', changes: { result: 'done' } },
    )
    expect(events).not.toHaveHappenedBefore('completed', 'started')
    expect(events).not.toHaveHappenedBefore('started', 'started')
    expect(events).not.toHaveHappenedBefore('created', 'cancelled')
    expect(() => {
      expect(events).toHaveHappenedBefore('completed', { type: 'started', id: 'a' })
    }).toThrow(
      /before \{"type":"started","id":"a"\}; this happened:\n {2}member.joined of ana in commit 1\n[^]*▸ task.started of a/,
    )
    expect(() => {
      expect(events).toHaveHappenedBefore('created', 'cancelled')
    }).toThrow('but "cancelled" did not happen; this happened:')
    expect(() => {
      expect(events).toHaveHappenedBefore('cancelled', 'created')
    }).toThrow('but "cancelled" did not happen')
    expect(() => {
      expect(crew).toHaveHappenedBefore('created', 'cancelled')
    }).toThrow('toHaveHappenedBefore looks at recorded events: expect(recordEvents(crew))')
    await crew.close()
  })
})

describe('names that nobody tells', () => {
  it('are refused, under .not, too', async () => {
    const { crew, tracker } = await openTeam()
    const events = recordEvents(crew)
    const task = await tracker.create({ description: 'Tides' })
    expect(() => {
      expect(task).not.toHaveStatus('done' as never)
    }).toThrow("status must be one of pending, in_progress, waiting, completed, failed, cancelled, not 'done'")
    for (const wrong of ['finished', 'task.finished', { type: 'finished' }] as never[]) {
      expect(() => {
        expect(events).not.toHaveHappenedBefore('created', wrong)
      }).toThrow(/There is no event "(?:task.)?finished"; there are member.joined.*completed/)
      expect(() => {
        expect(events).not.toHaveHappenedBefore(wrong, 'created')
      }).toThrow('There is no event')
    }
    expect(() => {
      expect(events).not.toHaveHappenedBefore('ready', 'created')
    }).toThrow("task.ready is not in the journal, so that it has no place among what happened; use of('ready')")
    expect(() => events.of('finished' as never)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})
