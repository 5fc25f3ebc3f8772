import { MemoryStorage, openCrew } from 'crewlog'
import { checkJournal, faultyStorage, type JournalRule, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import {
  closed,
  completed,
  created,
  delivered,
  joined,
  moved,
  RawJournal,
  sent,
  started,
} from '../support/raw-journal.js'

const crewOf = (...more: Parameters<RawJournal['add']>[0]): RawJournal =>
  new RawJournal().add([joined('ana', { skills: { code: 0.5 } }), joined('bo'), ...more])

const question = { answerBy: 9e12 }
const edge = (id: string, onFailure = 'fail', onCancel = 'cancel') => ({
  dependsOn: { added: [{ id, onFailure, onCancel }] },
})
const failed = (id: string, version: number, changes = {}) =>
  moved('failed', id, version, { status: 'failed', failure: { code: 'deadline', message: '' }, ...changes })

/** What goes before, in order, and keeps all promises; each with what breaks one. */
const BROKEN: readonly (readonly [
  what: string,
  rule: JournalRule,
  right: RawJournal,
  wrong: (journal: RawJournal) => RawJournal,
])[] = [
  ['a gap in the numbers', 'numbers', crewOf(), (it) => it.add([created('a')], { seq: 3 })],
  ['a commit that follows another one', 'chain', crewOf(), (it) => it.add([created('a')], { prev: 'c7' })],
  ['an id of a commit that was used', 'once', crewOf(), (it) => it.add([created('a')], { id: 'c1' })],
  ['a commit of nothing', 'form', crewOf(), (it) => it.add([])],
  ['a format of the future', 'form', crewOf(), (it) => it.add([created('a')], { format: 2 })],
  ['an event of another time than its commit', 'form', crewOf(), (it) => it.add([{ ...created('a'), at: 5 }])],
  [
    'an event that changes nothing it could name',
    'form',
    crewOf(),
    (it) => it.add([{ ...created('a'), changes: null as never }]),
  ],
  ['an event of a task that is not there', 'existence', crewOf(), (it) => it.add([moved('updated', 'a', 1)])],
  ['a task that is made twice', 'once', crewOf(created('a')), (it) => it.add([{ ...created('a'), version: 2 }])],
  ['a version left out', 'versions', crewOf(created('a')), (it) => it.add([moved('updated', 'a', 3, { title: 'A' })])],
  [
    'an event that stands twice',
    'versions',
    crewOf(created('a'), moved('updated', 'a', 2, { title: 'A' })),
    (it) => it.add([moved('updated', 'a', 2, { title: 'A' })]),
  ],
  [
    'the completion of a task that nobody started',
    'transitions',
    crewOf(created('a')),
    (it) => it.add([moved('completed', 'a', 2, { status: 'completed' })]),
  ],
  [
    'a status that an update changes',
    'transitions',
    crewOf(created('a')),
    (it) => it.add([moved('updated', 'a', 2, { status: 'waiting' })]),
  ],
  [
    'a completed task that is reopened',
    'transitions',
    crewOf(created('a'), started('a', 2), completed('a', 3)),
    (it) => it.add([moved('retried', 'a', 4, { status: 'pending' })]),
  ],
  [
    'a description that changes after the end',
    'ended',
    crewOf(created('a'), failed('a', 2)),
    (it) => it.add([moved('updated', 'a', 3, { description: 'B' })]),
  ],
  [
    'a fence that stays',
    'fences',
    crewOf(created('a'), started('a', 2), closed('released', 'pending', 'a', 3, {})),
    (it) => it.add([started('a', 4, { number: 2, fence: 1, member: 'bo' })]),
  ],
  [
    'a fence that falls',
    'fences',
    crewOf(created('a', { fence: 5 })),
    (it) => it.add([moved('updated', 'a', 2, { fence: 4 })]),
  ],
  [
    'two who hold one task',
    'one attempt',
    crewOf(created('a'), started('a', 2)),
    (it) => it.add([started('a', 3, { number: 2, member: 'bo' })]),
  ],
  [
    'a task that goes on without its attempt',
    'one attempt',
    crewOf(created('a'), started('a', 2)),
    (it) => it.add([moved('failed', 'a', 3, { status: 'failed', holder: null })]),
  ],
  [
    'a holder that is not who began',
    'one attempt',
    crewOf(created('a')),
    (it) => it.add([started('a', 2, {}, { holder: 'bo' })]),
  ],
  [
    'a write of an attempt that is over',
    'outcomes',
    crewOf(
      created('a'),
      started('a', 2),
      closed('released', 'pending', 'a', 3, {}),
      started('a', 4, { number: 2, member: 'bo' }),
    ),
    (it) =>
      it.add([
        moved('progressed', 'a', 5, { attempts: { added: [{ number: 1, member: 'ana', fence: 1, usage: {} }] } }),
      ]),
  ],
  [
    'an attempt that is not counted',
    'sums',
    crewOf(created('a')),
    (it) => it.add([started('a', 2, {}, { attemptCount: 7 })]),
  ],
  [
    'usage that nobody spent',
    'sums',
    crewOf(created('a'), started('a', 2)),
    (it) => it.add([completed('a', 3, { usage: { tokens: 5 } }, { usage: { tokens: 6 } })]),
  ],
  [
    'comments that nobody wrote',
    'sums',
    crewOf(created('a')),
    (it) => it.add([moved('commented', 'a', 2, { commentCount: 2 })]),
  ],
  [
    'an answer left out',
    'sums',
    crewOf(created('a')),
    (it) => it.add([moved('updated', 'a', 2, { answers: { added: [{ number: 2 }] } })]),
  ],
  [
    'a dependent that starts before its dependency is done',
    'readiness',
    crewOf(created('a'), created('b', edge('a'))),
    (it) => it.add([started('b', 2)]),
  ],
  [
    'a task that starts before its time',
    'readiness',
    crewOf(created('a', { notBefore: 9_000_000 })),
    (it) => it.add([started('a', 2)]),
  ],
  [
    'a task that starts under a parent that has ended',
    'readiness',
    crewOf(created('a', { status: 'pending' }), created('b', { parentId: 'a' })),
    (it) => it.add([failed('a', 2), { type: 'crew.cascading', id: 'a', changes: {} }, started('b', 2)]),
  ],
  [
    'one who takes more than it has room for',
    'eligibility',
    crewOf(created('a'), created('b'), started('a', 2)),
    (it) => it.add([started('b', 2)]),
  ],
  [
    'one who takes what is assigned to another',
    'eligibility',
    crewOf(created('a', { assignees: { added: ['bo'] } })),
    (it) => it.add([started('a', 2)]),
  ],
  [
    'one who takes what it has no skill for',
    'eligibility',
    crewOf(created('a', { requires: { code: 0.6 } })),
    (it) => it.add([started('a', 2)]),
  ],
  [
    'one who takes a task though it is not available',
    'eligibility',
    crewOf(created('a'), { type: 'member.updated', id: 'ana', changes: { available: false } }),
    (it) => it.add([started('a', 2)]),
  ],
  [
    'one who takes a task after it left',
    'eligibility',
    crewOf(created('a'), { type: 'member.left', id: 'ana', changes: {} }),
    (it) => it.add([started('a', 2)]),
  ],
  [
    'a task that waits for itself',
    'cycles',
    crewOf(created('a'), created('b', edge('a'))),
    (it) => it.add([moved('dependencyAdded', 'a', 2, edge('b'))]),
  ],
  [
    'a part that waits for its whole',
    'cycles',
    crewOf(created('a')),
    (it) => it.add([created('b', { parentId: 'a', ...edge('a') })]),
  ],
  [
    'a dependent that is left waiting for what failed',
    'cascades',
    crewOf(created('a'), created('b', edge('a'))),
    (it) => it.add([failed('a', 2)]),
  ],
  [
    'a part that is left open when its whole is cancelled',
    'cascades',
    crewOf(created('a'), created('b', { parentId: 'a' })),
    (it) => it.add([moved('cancelled', 'a', 2, { status: 'cancelled' })]),
  ],
  [
    'a new dependent of what has failed already',
    'cascades',
    crewOf(created('a'), failed('a', 2)),
    (it) => it.add([created('b', edge('a'))]),
  ],
  [
    'a dependent that comes back to wait for what was cancelled meanwhile',
    'cascades',
    crewOf(
      created('a'),
      failed('a', 2),
      created('b', edge('a', 'continue')),
      started('b', 2),
      moved('retried', 'a', 3, { status: 'pending' }),
      moved('cancelled', 'a', 4, { status: 'cancelled' }),
    ),
    (it) => it.add([closed('released', 'pending', 'b', 3, {})]),
  ],
  ['a message to somebody unknown', 'members', crewOf(), (it) => it.add([sent('m', ['bo', 'cleo'])])],
  [
    'an assignee who is unknown',
    'members',
    crewOf(),
    (it) => it.add([created('a', { assignees: { added: ['cleo'] } })]),
  ],
  ['a member who joins twice', 'once', crewOf(), (it) => it.add([joined('ana')])],
  [
    'a member who leaves without having joined',
    'existence',
    crewOf(),
    (it) => it.add([{ type: 'member.left', id: 'cleo', changes: {} }]),
  ],
  ['a message that is sent twice', 'once', crewOf(sent('m', 'bo')), (it) => it.add([sent('m', 'bo')])],
  ['an answer to nothing', 'existence', crewOf(), (it) => it.add([sent('m', 'bo', { replyTo: 'n', hops: 1 })])],
  [
    'a reply in another thread',
    'threads',
    crewOf(sent('m', 'bo')),
    (it) => it.add([sent('n', 'bo', { replyTo: 'm', hops: 1 })]),
  ],
  [
    'a reply that hides its hops',
    'threads',
    crewOf(sent('m', 'bo')),
    (it) => it.add([sent('n', 'bo', { replyTo: 'm', threadId: 'm' })]),
  ],
  [
    'a second reply in time',
    'threads',
    crewOf(sent('m', 'bo', question), sent('n', 'ana', { sender: 'bo', replyTo: 'm', threadId: 'm', hops: 1 })),
    (it) => it.add([sent('o', 'ana', { sender: 'bo', replyTo: 'm', threadId: 'm', hops: 1 })]),
  ],
  [
    'a delivery that two hold at once',
    'deliveries',
    crewOf(sent('m', 'bo'), delivered('leased', 'm', 'bo', 'leased', 1)),
    (it) => it.add([delivered('leased', 'm', 'bo', 'leased', 2)]),
  ],
  [
    'a hand-out that is not counted',
    'deliveries',
    crewOf(sent('m', 'bo')),
    (it) => it.add([delivered('leased', 'm', 'bo', 'leased', 2)]),
  ],
  [
    'a delivery that is acknowledged twice',
    'deliveries',
    crewOf(
      sent('m', 'bo'),
      delivered('leased', 'm', 'bo', 'leased', 1),
      delivered('acknowledged', 'm', 'bo', 'acknowledged', 1),
    ),
    (it) => it.add([delivered('acknowledged', 'm', 'bo', 'acknowledged', 1)]),
  ],
  [
    'a delivery that is acknowledged by who lost it',
    'deliveries',
    crewOf(
      sent('m', 'bo'),
      delivered('leased', 'm', 'bo', 'leased', 1),
      delivered('returned', 'm', 'bo', 'queued', 1),
      delivered('leased', 'm', 'bo', 'leased', 2),
    ),
    (it) => it.add([delivered('acknowledged', 'm', 'bo', 'acknowledged', 1)]),
  ],
  [
    'a delivery to somebody whom it was not sent to',
    'existence',
    crewOf(sent('m', 'bo')),
    (it) => it.add([delivered('leased', 'm', 'ana', 'leased', 1)]),
  ],
  [
    'a task that is forgotten while another needs it',
    'pruning',
    crewOf(created('a'), started('a', 2), completed('a', 3), created('b', edge('a'))),
    (it) => it.add([{ type: 'crew.pruned', id: 'crew', changes: { ids: ['a'] } }]),
  ],
  [
    'a message that is forgotten before it is read',
    'pruning',
    crewOf(sent('m', 'bo')),
    (it) => it.add([{ type: 'crew.pruned', id: 'crew', changes: { messages: ['m'] } }]),
  ],
]

describe('a journal', () => {
  it.each(BROKEN)('with %s breaks "%s"', async (_, rule, right, wrong) => {
    expect(await checkJournal(right)).toEqual([])
    const journal = new RawJournal()
    journal.commits = [...right.commits]
    wrong(journal)
    const broken = await checkJournal(journal)
    expect(broken.map((each) => each.rule)).toContain(rule)
    expect(broken.find((each) => each.rule === rule)).toMatchObject({
      seq: journal.commits.at(-1)?.seq,
      text: expect.stringMatching(/./) as unknown,
    })
  })

  it('is told apart by commit, place, type and id of what is wrong', async () => {
    const journal = crewOf(created('a')).add([created('b'), moved('updated', 'a', 4, { title: 'A' })])
    expect(await checkJournal(journal)).toEqual([
      { rule: 'versions', seq: 2, event: 1, type: 'task.updated', id: 'a', text: 'version 4 comes after 1' },
    ])
  })

  it('is empty, and then right', async () => {
    expect(await checkJournal(new MemoryStorage(), 'nobody')).toEqual([])
  })

  it('has events of kinds that are not known, which are passed over', async () => {
    const journal = crewOf(created('a')).add([
      { type: 'key.used', id: 'k', changes: {} },
      { type: 'message.followed', id: 'news', changes: { member: 'ana' } },
      { type: 'session.ended', id: 's1', changes: {} },
      { type: 'weather.changed', id: 'rain', changes: {} },
      moved('painted', 'a', 2, { colour: 'red' }),
    ])
    expect(await checkJournal(journal)).toEqual([])
  })

  it('has a cascade that goes on in later commits', async () => {
    const cascading = { type: 'crew.cascading', id: 'a', changes: {} }
    const journal = crewOf(created('a'), created('b', edge('a')))
      .add([failed('a', 2), cascading])
      .add([failed('b', 2, { failure: { code: 'dependency', rootId: 'a' } })])
    expect(await checkJournal(journal)).toEqual([])
  })

  it('is judged by what is left of it when its beginning is trimmed', async () => {
    const journal = new RawJournal()
    journal.trimmedTo = 7
    journal.checkpoints = [{ seq: 7, id: 'c7', format: 1, parts: parts('{}') }]
    journal.add([moved('updated', 'a', 5), sent('m', 'cleo'), created('b', { assignees: { added: ['cleo'] } })], {
      prev: 'c7',
    })
    expect(await checkJournal(journal)).toEqual([])
    journal.add([started('b', 2)])
    expect(await checkJournal(journal)).toMatchObject([{ rule: 'eligibility', seq: 9, id: 'b' }])
  })

  it.each([
    ['of a commit that is another one', 'c9', '{}'],
    ['of which a part is no JSON', 'c1', '{'],
  ])('has a checkpoint %s', async (_, id, part) => {
    const journal = crewOf()
    journal.checkpoints = [{ seq: 1, id, format: 1, parts: parts(part) }]
    expect(await checkJournal(journal)).toMatchObject([{ rule: 'checkpoints', seq: 1 }])
  })

  it('has no checkpoint of what is gone', async () => {
    const journal = new RawJournal()
    journal.trimmedTo = 7
    journal.add([created('b')], { prev: 'c7' })
    expect(await checkJournal(journal)).toMatchObject([{ rule: 'checkpoints', seq: 7 }])
  })

  it('keeps its promises when a crew writes it over a storage that fails', async () => {
    const environment = manualEnvironment()
    const storage = faultyStorage(new MemoryStorage(), { environment, seed: 5 })
    const work = async () => {
      const crew = await openCrew({ storage, environment, onError: () => undefined })
      const ana = await crew.join('ana', { capacity: 3 })
      await crew.join('bo')
      ana.work(async ({ task }) => {
        if (task.id === 'bad') throw Object.assign(new Error('no'), { retryable: false })
        return task.id
      })
      crew.as('bo').listen(() => undefined)
      await crew.tracker.createMany([
        { id: 'bad', description: 'Bad' },
        { id: 'after', description: 'After', dependsOn: ['bad'] },
        { id: 'good', description: 'Good', reviewers: ['bo'] },
        ...Array.from({ length: 20 }, (_, n) => ({ id: `t${n}`, description: `${n}` })),
      ])
      return crew
    }
    const working = work()
    await environment.advance('5m')
    const crew = await working
    storage.heal()
    await environment.advance('5m')
    expect(crew.tracker.count({ status: 'completed' })).toBe(20)
    expect(storage.faults.length).toBeGreaterThan(5)
    expect(await checkJournal(storage.real)).toEqual([])
  })

  it('is read from a storage, by a name', async () => {
    await expect(checkJournal({} as never)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(checkJournal(new MemoryStorage(), '')).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

async function* parts(...texts: readonly string[]): AsyncGenerator<string> {
  yield* texts
}
