import { describe, expect, it } from 'vitest'
import { TaskTracker } from 'crewlog'
import { recordEvents } from 'crewlog/testing'
import { openTeam } from '../support/team.js'

const said = (code: string, words: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(words) as string }) as Error

/** What the newest event of a name carries beside what all do. */
function last(events: ReturnType<typeof recordEvents>, name: 'created') {
  const { task, commit, by, ...more } = events.of(name).at(-1)!
  expect([task.id, Object.keys(commit)]).toEqual(['tides', ['seq', 'id', 'at']])
  return { ...more, ...(by !== undefined && { by }) }
}

describe('a task event carries', () => {
  it('beside task, commit and who did it, what its name says', async () => {
    const { crew, tracker } = await openTeam()
    const events = recordEvents(crew)
    const of = (name: string) => last(events, name as 'created')
    await tracker.create({ id: 'winds', description: 'Winds' })
    await tracker.create({ id: 'tides', description: 'Tides' }, { by: 'bo' })
    expect(of('created')).toEqual({ by: 'bo' })
    await tracker.update('tides', { priority: 2, title: 'T' })
    expect(of('updated')).toEqual({ changed: ['priority', 'title'] })
    await tracker.assign('tides', 'ana')
    expect(of('assigned')).toEqual({ before: [], after: ['ana'] })
    await tracker.unassign('tides', { by: 'bo' })
    expect(of('unassigned')).toEqual({ by: 'bo', before: ['ana'], after: [] })
    await tracker.addDependency('tides', 'winds')
    expect(of('dependencyAdded')).toEqual({ on: 'winds' })
    await tracker.removeDependency('tides', 'winds')
    expect(of('dependencyRemoved')).toEqual({ on: 'winds' })
    const message = await tracker.comment('tides', 'hm', { by: 'bo' })
    expect(of('commented')).toEqual({ by: 'bo', message })
    await tracker.start('tides', { by: 'ana' })
    expect(of('started')).toMatchObject({ by: 'ana', attempt: { number: 1, member: 'ana' } })
    await tracker.progress('tides', { value: 0.5 })
    expect(of('progressed')).toEqual({ by: 'ana' })
    await tracker.release('tides', { reason: 'tired' })
    expect(of('released')).toEqual({ by: 'ana', reason: 'tired' })
    await tracker.start('tides', { by: 'ana' })
    await tracker.wait('tides', { for: 'input' })
    expect(of('waiting')).toEqual({ by: 'ana' })
    await tracker.resume('tides', { by: 'bo', answer: 7 })
    expect(of('resumed')).toMatchObject({ by: 'bo', answer: { by: 'bo', answer: 7 } })
    const attempt = await crew.as('ana').claim({ taskId: 'tides' })
    await tracker.cancel('tides', { by: 'bo' })
    expect(of('cancelRequested')).toEqual({ by: 'bo' })
    await attempt!.release()
    expect(of('cancelled')).toEqual({ by: 'ana' })
    await tracker.retry('tides', { by: 'bo' })
    expect(of('retried')).toEqual({ by: 'bo' })
    await tracker.start('tides', { by: 'ana' })
    await tracker.complete('tides', { result: { files: 3 } })
    expect(of('completed')).toMatchObject({
      by: 'ana',
      result: { files: 3 },
      attempt: { number: 4, outcome: 'completed' },
    })
    expect(events.of('ready')).toEqual([])
  })

  it('why it failed, and because of which task', async () => {
    const { crew, tracker } = await openTeam()
    await tracker.createMany([
      { id: 'winds', description: 'Winds' },
      { id: 'tides', description: 'Tides', dependsOn: ['winds'] },
    ])
    const events = recordEvents(crew)
    await tracker.start('winds', { by: 'ana' })
    await tracker.fail('winds', { error: 'no', retryable: false })
    expect(events.of('failed')[0]).not.toHaveProperty('cause')
    expect(last(events, 'failed' as 'created')).toMatchObject({
      failure: { code: 'dependency', rootId: 'winds' },
      cause: 'winds',
    })
  })
})

describe('sessions are heard of', () => {
  it('when they renew what they hold', async () => {
    const { crew, tracker, environment } = await openTeam()
    await tracker.create({ description: 'Tides' })
    await crew.as('ana').claim()
    const events = recordEvents(crew)
    await environment.advance('30s')
    expect(events.of('session.renewed')).toMatchObject([{ session: crew.journal.session, commit: { seq: 5 } }])
  })
})

describe('an event that there is not', () => {
  it('is refused, and those that there are are named', async () => {
    const { crew, tracker, communications } = await openTeam()
    const listen = (on: unknown, name: unknown) => () =>
      (on as (name: unknown, listener: unknown) => void)(name, () => 1)
    expect(listen(tracker.on, 'complete')).toThrow(said('invalid_input', /"complete"; there are created, .*completed/))
    expect(listen(tracker.once, 'task.completed')).toThrow(said('invalid_input', /completed/))
    expect(listen(tracker.off, 'toString')).toThrow(said('invalid_input', /created/))
    expect(listen(communications.on, 'received')).toThrow(said('invalid_input', /sent, leased/))
    for (const name of ['completed', 'tasks.completed', 'task.complete', 'member.joins', 'toString', ''])
      expect(listen(crew.on, name)).toThrow(
        said('invalid_input', /member\.joined, .*\*, .*task\.completed.*message\.sent/),
      )
    expect(listen(new TaskTracker().on, 7)).toThrow(said('invalid_input', /number/))
    for (const name of ['*', 'error', 'task.ready', 'message.dead', 'session.renewed'])
      expect(listen(crew.on, name)).not.toThrow()
  })
})
