import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type CrewOptions, type JournalStorage, MemoryStorage, openCrew, type StoredEvent } from 'crewlog'
import { fileStorage } from 'crewlog/storage/file'
import { manualEnvironment } from 'crewlog/testing'
import { stateOf } from '../support/crew-state.js'
import { openTeam } from '../support/team.js'

const START = Date.UTC(2026, 0, 1)

/** A crew to which something happens once a minute, with what it answered after each commit, and a way into its past. */
async function story(options: CrewOptions & { readonly storage?: JournalStorage } = {}) {
  const { storage = new MemoryStorage() } = options
  const team = await openTeam(['ana', 'bo'], { ...options, storage })
  const { crew, tracker, communications, environment } = team
  const states: { readonly seq: number; readonly at: number; readonly state: unknown }[] = []
  const steps: (() => Promise<unknown>)[] = [
    () => tracker.create({ id: 'tides', description: 'Tides', dueAt: START + 150_000 }),
    () => tracker.create({ id: 'winds', description: 'Winds', dependsOn: ['tides'] }),
    () => communications.send({ sender: 'ana', recipient: 'bo', content: 'hello' }),
    () => tracker.start('tides', { by: 'ana' }),
    () => tracker.complete('tides', { result: 1 }),
    () => communications.receive('bo'),
    () => tracker.cancel('winds'),
  ]
  for (const step of steps) {
    await environment.advance('1m')
    await step()
    const { seq = 0, at = 0 } = crew.journal.head ?? {}
    states.push({ seq, at, state: stateOf(crew) })
  }
  await environment.advance('1m')
  const past = (at: NonNullable<CrewOptions['at']>) =>
    openCrew({ ...options, storage, environment, at, onError: (error) => team.errors.push(error) })
  return { ...team, storage, states, past, head: crew.journal.head!.seq }
}

describe('openCrew({ at })', () => {
  it('answers by commit as the crew did then, reports and what the clock derives included', async () => {
    const { states, past, environment } = await story()
    expect(environment.now()).toBe(START + 480_000)
    for (const { seq, at, state } of states) {
      const then = await past({ seq })
      expect(stateOf(then)).toEqual(state)
      expect(then.reports.generate('summary')).toMatchObject({ seq, at })
      await then.close()
    }
  })

  it('answers by time as of the last commit before the first that is later', async () => {
    const { past, states } = await story()
    const at = async (ms: number) => {
      const then = await past({ time: START + ms })
      return [then.journal.head?.seq ?? 0, then.tracker.list().length, then.reports.generate('summary').at - START]
    }
    expect(await at(-1)).toEqual([0, 0, -1])
    expect(await at(0)).toEqual([2, 0, 0])
    expect(await at(60_000)).toEqual([3, 1, 60_000])
    expect(await at(179_999)).toEqual([4, 2, 179_999])
    expect(await at(420_000)).toEqual([states.at(-1)!.seq, 2, 420_000])
  })

  it('goes by the first later stamp, though clocks of writers differ', async () => {
    const storage = new MemoryStorage()
    const early = manualEnvironment({ now: START })
    const late = manualEnvironment({ now: START + 3_600_000, seed: 2 })
    const [a, b] = [await openCrew({ storage, environment: early }), await openCrew({ storage, environment: late })]
    await a.tracker.create({ id: 'one', description: 'x' })
    await b.sync()
    await b.tracker.create({ id: 'two', description: 'x' })
    await a.sync()
    await a.tracker.create({ id: 'three', description: 'x' })
    const then = await openCrew({ storage, environment: late, at: { time: START } })
    expect(then.tracker.list().map(({ id }) => id)).toEqual(['one'])
  })

  it('has a clock that stands still: a task that was not due then never is', async () => {
    const { past, environment } = await story()
    const then = await past({ seq: 4 })
    expect([then.tracker.overdue(), then.tracker.stage('winds')]).toEqual([[], 'blocked'])
    await environment.advance('1h')
    expect(then.tracker.overdue()).toEqual([])
    expect((await past({ time: START + 170_000 })).tracker.overdue().map(({ id }) => id)).toEqual(['tides'])
  })

  it('takes no commands', async () => {
    const { past, storage, head } = await story()
    const then = await past({ seq: 5 })
    const commands: Promise<unknown>[] = [
      then.tracker.create({ description: 'x' }),
      then.tracker.start('tides', { by: 'ana' }),
      then.tracker.claim('ana'),
      then.communications.send({ sender: 'ana', recipient: 'bo', content: 'x' }),
      then.communications.receive('bo'),
      then.join('cy'),
      then.leave('ana'),
      then.as('ana').setAvailability(false),
    ]
    for (const command of commands) await expect(command).rejects.toMatchObject({ code: 'read_only' })
    // What had not ended by then never does.
    await expect(then.tracker.whenEnded('tides')).rejects.toMatchObject({ code: 'read_only' })
    await expect(then.tracker.whenEnded('no such')).rejects.toMatchObject({ code: 'not_found' })
    await then.close()
    await expect(then.tracker.create({ description: 'x' })).rejects.toMatchObject({ code: 'closed' })
    await expect(storage.read('crew', head, 10)).resolves.toEqual({ commits: [] })
  })

  it('lets nobody work in it, and tells so once', async () => {
    const { past, environment, errors } = await story()
    const then = await past({ seq: 3 })
    const running = then.as('ana').work(() => 'done')
    await environment.advance('1m')
    await running.done
    expect(errors).toEqual([expect.objectContaining({ code: 'read_only' })])
  })

  it('reads the journal only to open, and holds no lock: it stands beside who writes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'crew-'))
    try {
      const storage = fileStorage(folder)
      const { past, tracker, states, crew } = await story({ storage })
      for (const at of [{ seq: 4 }, { seq: 6 }]) {
        const then = await past(at)
        const elsewhere = await openCrew({ storage: fileStorage(folder), at })
        for (const each of [then, elsewhere]) {
          expect(stateOf(each)).toEqual(states.find(({ seq }) => seq === at.seq)!.state)
          await each.close()
        }
      }
      await tracker.create({ id: 'later', description: 'x' })
      await crew.close()
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('polls nothing, renews nothing and takes nothing from anybody', async () => {
    const storage = new MemoryStorage()
    const { crew, tracker, environment } = await openTeam(['ana'], { storage })
    await tracker.create({ description: 'x' })
    const attempt = await crew.as('ana').claim()
    let calls = 0
    const counted = new Proxy(storage, {
      get: (target, name) => {
        const method = Reflect.get(target, name) as unknown
        if (typeof method !== 'function') return method
        return (...given: unknown[]) => {
          calls++
          return Reflect.apply(method, target, given) as unknown
        }
      },
    })
    const then = await openCrew({ storage: counted, environment, at: { seq: 3 } })
    const before = calls
    await environment.advance('1h')
    expect(calls).toBe(before)
    expect(then.tracker.list({ status: 'in_progress' })).toHaveLength(1)
    expect(attempt!.isOver).toBe(false)
  })

  it('hands out its events, and the history of a task, as far as it reaches', async () => {
    const { past } = await story()
    const then = await past({ seq: 6 })
    const seen: StoredEvent[] = []
    for await (const event of then.events({ after: 2 })) seen.push(event)
    expect(seen.map(({ type }) => type)).toEqual(['task.created', 'task.created', 'message.sent', 'task.started'])
    expect((await then.tracker.history('tides')).map(({ type }) => type)).toEqual(['task.created', 'task.started'])
  })

  it('that the journal does not reach back to, or not yet reach, is refused', async () => {
    const { past, storage, head } = await story()
    await expect(past({ seq: head + 1 })).rejects.toMatchObject({ code: 'not_found' })
    await expect(past({ time: START + 3_600_000 })).rejects.toMatchObject({ code: 'invalid_input' })
    await storage.trim('crew', 4)
    await expect(past({ seq: 4 })).rejects.toMatchObject({ code: 'cursor_expired', details: { trimmedTo: 4 } })
    await expect(past({ time: START + 60_000 })).rejects.toMatchObject({ code: 'cursor_expired' })
    await expect(past({ seq: 6 })).rejects.toMatchObject({ code: 'cursor_expired' })
  })

  it.each([[{}], [{ seq: 0 }], [{ seq: 1, time: 1 }], [{ time: 'noon' }], [3]])('refuses %j', async (at) => {
    await expect(openCrew({ storage: new MemoryStorage(), at: at as never })).rejects.toMatchObject({
      code: 'invalid_input',
    })
  })

  it('without a storage is refused', async () => {
    await expect(openCrew({ at: { seq: 1 } })).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(openCrew({ at: {} as never })).rejects.toThrow('options.at must be one of { seq } and { time }')
  })
})
