import { checkJournal } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { contractOfMemory, simulateCrew, workOff } from './app.js'

describe('an app in a browser', () => {
  it('runs in one that has nothing of Node', () => {
    const { navigator, setImmediate } = globalThis as {
      readonly navigator?: { readonly userAgent: string }
      readonly setImmediate?: unknown
    }
    expect(navigator?.userAgent).toContain('Chrome')
    expect(setImmediate).toBeUndefined()
  })

  it('works off tasks with tries and questions, reports, and finds its crew again', async () => {
    const { task, broken, events, kept, ready, redacted, report } = await workOff()
    expect(task).toMatchObject({
      status: 'completed',
      result: 'Short',
      attempts: [{ outcome: 'failed' }, { outcome: 'completed' }],
    })
    expect(broken).toEqual([])
    expect(events).toEqual(
      expect.arrayContaining(['task.released', 'message.sent', 'message.acknowledged', 'task.completed']),
    )
    expect([kept, ready]).toEqual(['Short', ['Print']])
    expect(redacted).toMatchObject({ id: 'tides' })
    expect(redacted).not.toHaveProperty('result')
    expect(report).toContain('## Summary')
  })

  it('simulates the same crew by the same seed', async () => {
    const [one, other, another] = [await simulateCrew(7), await simulateCrew(7), await simulateCrew(8)]
    expect(one.report.data).toMatchObject({ endedBy: 'tasks', tasks: { total: 60, open: 0 } })
    expect(other.report.data).toEqual(one.report.data)
    expect(another.report.data).not.toEqual(one.report.data)
    expect(Object.keys(one.report.data.faults)).not.toEqual([])
    expect(await checkJournal(one.storage)).toEqual([])
  })

  contractOfMemory({ describe, it })
})
