import { beforeEach, describe, expect, it } from 'vitest'
import { type Crew, MemoryStorage, openCrew } from 'crewlog'
import { manualEnvironment, type ManualEnvironment } from 'crewlog/testing'
import { stateOf } from '../support/crew-state.js'

let environment: ManualEnvironment
let storage: MemoryStorage
let errors: unknown[]
let crew: Crew

beforeEach(async () => {
  environment = manualEnvironment()
  storage = new MemoryStorage()
  errors = []
  crew = await openCrew({ storage, environment, onError: (error) => errors.push(error) })
  await crew.join('ana', { capacity: 3 })
})

/** Adds a commit that this release cannot read, and one after it. */
async function addStrange(change: object): Promise<void> {
  let { seq, id: prev } = crew.journal.head!
  const event = { type: 'task.completed', id: 'nobody', version: 7, at: 0, changes: {} }
  for (const id of ['strange', 'next']) {
    await storage.append('crew', { seq: ++seq, id, prev, format: 1, at: 0, events: [event], ...change })
    prev = id
  }
  await environment.settle()
}

describe.each([
  ['a commit of a format that it does not know', { format: 99 }, 'unsupported_version'],
  ['an event that contradicts what came before', {}, 'journal_corrupt'],
])('a replica that meets %s', (_, change, code) => {
  it('stays where it is, says why once, and refuses commands with read_only', async () => {
    // For later, or the health report would find after five minutes that nobody takes it.
    await crew.tracker.create({ id: 'a', description: 'A', notBefore: environment.now() + 7_200_000 })
    const [before, head] = [stateOf(crew), crew.journal.head]
    await addStrange(change)
    await environment.advance('1h')
    expect(errors).toMatchObject([{ code }])
    expect([stateOf(crew), crew.journal.head]).toEqual([before, head])
    await expect(crew.join('bo')).rejects.toMatchObject({ code: 'read_only', cause: { code } })
    await expect(crew.sync()).rejects.toMatchObject({ code })
    await expect(crew.checkpoint()).rejects.toMatchObject({ code: 'read_only' })
    await expect(openCrew({ storage, environment })).rejects.toMatchObject({ code })
    await crew.close()
  })

  it('ends the loops of its members, and rejects idle with the reason, rather than try for ever', async () => {
    const ana = crew.as('ana')
    const [work, mail] = [ana.work(() => undefined), ana.listen(() => undefined)]
    const bo = await crew.join('bo')
    bo.work(() => new Promise(() => undefined))
    await crew.tracker.create({ id: 'a', description: 'A', assignees: 'bo' })
    await environment.settle()
    const idle = expect(crew.idle()).rejects.toMatchObject({ code: 'read_only', cause: { code } })
    await addStrange(change)
    await idle
    await Promise.all([work.done, mail.done])
    await expect(crew.idle()).rejects.toMatchObject({ code: 'read_only' })
    // Those that begin later end at once.
    await ana.work(() => undefined).done
    for await (const attempt of ana.attempts()) throw new Error(`There is ${attempt.task.id}`)
    await environment.advance('1h')
    expect(errors.length).toBeLessThan(10)
    await crew.close()
  })
})
