import { MemoryStorage, openCrew } from 'crewlog'
import { checkJournal, faultyStorage, type JournalRule, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { lookups } from '../support/counted.js'
import {
  closed,
  completed,
  created,
  delivered,
  joined,
  keyUsed,
  moved,
  pruned,
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
const DAY = 86_400_000
const follow = (type: string, member: string) => ({ type: `message.${type}`, id: 'news', changes: { member } })
const left = (open: object) => ({ type: 'crew.cascading', id: 'a', changes: { open } as never })
const acknowledged = delivered('acknowledged', 'm', 'bo', 'acknowledged', 1)
const leased = (more = {}) => delivered('leased', 'm', 'bo', 'leased', 1, { session: 's1', leaseMs: 60_000, ...more })
const spent = (tokens: number) => ({ usage: { tokens } })
const progressed = (id: string, version: number, tokens: number) =>
  moved('progressed', id, version, {
    ...spent(tokens),
    attempts: { added: [{ number: 1, member: 'ana', session: 's1', fence: 1, ...spent(tokens) }] },
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
    (it) => it.add([failed('a', 2), left({ added: ['a'] }), started('b', 2)]),
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
    'what is left of a cascade, and is forgotten',
    'cascades',
    crewOf(created('a'), created('b', edge('a')))
      .add([failed('a', 2), left({ added: ['a'] })])
      .add([created('c')]),
    (it) => it.add([left({ removed: ['a'] })]),
  ],
  [
    'a cascade that goes on from what has not fallen',
    'cascades',
    crewOf(created('a'), created('b', edge('a'))),
    (it) => it.add([left({ added: ['b'] })]),
  ],
  [
    'an end of what was never left open in a cascade',
    'cascades',
    crewOf(created('a')),
    (it) => it.add([left({ removed: ['a'] })]),
  ],
  [
    'a long way round by which a task waits for itself',
    'cycles',
    crewOf(
      created('a'),
      created('b', { parentId: 'a' }),
      created('c', edge('d')),
      created('d'),
      moved('dependencyAdded', 'b', 2, edge('c')),
    ),
    (it) => it.add([moved('dependencyAdded', 'd', 2, edge('a'))]),
  ],
  [
    'a task that waits for nobody but itself',
    'cycles',
    crewOf(created('a')),
    (it) => it.add([created('b', edge('b'))]),
  ],
  [
    'a write that passes the budget of its task, and goes on',
    'budgets',
    crewOf(created('a', { budget: { tokens: 10 } }), started('a', 2), progressed('a', 3, 10)),
    (it) => it.add([progressed('a', 4, 11)]),
  ],
  [
    'a task that fails by a budget that is not spent',
    'budgets',
    crewOf(created('a', { budget: { tokens: 10 } }), started('a', 2)),
    (it) =>
      it.add([
        closed('failed', 'failed', 'a', 3, spent(9), { ...spent(9), failure: { code: 'budget_spent', message: '' } }),
      ]),
  ],
  [
    'a budget that counts what was spent before the task was opened anew',
    'budgets',
    crewOf(
      created('a', { budget: { tokens: 10 } }),
      started('a', 2),
      closed('failed', 'failed', 'a', 3, spent(11), {
        ...spent(11),
        failure: { code: 'budget_spent', message: '' },
      }),
      moved('retried', 'a', 4, { status: 'pending', failure: null }),
      started('a', 5, { number: 2 }),
    ),
    (it) =>
      it.add([
        closed(
          'failed',
          'failed',
          'a',
          6,
          { number: 2, ...spent(1) },
          { ...spent(12), failure: { code: 'budget_spent', message: '' } },
        ),
      ]),
  ],
  [
    'a member who passes its budget, of which nobody is told',
    'budgets',
    crewOf(joined('cleo', { budget: { tokens: 10 } }), created('a'), started('a', 2, { member: 'cleo' })),
    (it) => it.add([completed('a', 3, { member: 'cleo', ...spent(11) }, spent(11))]),
  ],
  [
    'a member who is told to be past a budget that it is not past',
    'budgets',
    crewOf(joined('cleo', { budget: { tokens: 10 } })),
    (it) => it.add([{ type: 'member.budgetSpent', id: 'cleo', changes: {} }]),
  ],
  [
    'one who starts a task though it is past its budget',
    'budgets',
    crewOf(
      joined('cleo', { budget: { tokens: 10 } }),
      created('a'),
      created('b'),
      started('a', 2, { member: 'cleo' }),
      completed('a', 3, { member: 'cleo', ...spent(11) }, spent(11)),
      { type: 'member.budgetSpent', id: 'cleo', changes: {} },
    ),
    (it) => it.add([started('b', 2, { member: 'cleo' })]),
  ],
  [
    'a message that is handed out after its time',
    'deliveries',
    crewOf(sent('m', 'bo', { expiresAt: 1_001_500 })).add([created('a')]),
    (it) => it.add([leased()]),
  ],
  [
    'a message that expires though it never does',
    'deliveries',
    crewOf(sent('m', 'bo')),
    (it) => it.add([delivered('expired', 'm', 'bo', 'expired', 0)]),
  ],
  [
    'a message that expires after it was acknowledged',
    'deliveries',
    crewOf(sent('m', 'bo', { expiresAt: 9e12 }), leased(), acknowledged),
    (it) => it.add([delivered('expired', 'm', 'bo', 'expired', 1)]),
  ],
  [
    'somebody whom a message did not reach, of which it says nothing',
    'deliveries',
    crewOf(sent('m', 'bo')),
    (it) => it.add([{ type: 'message.refused', id: 'm', changes: { recipient: 'ana', reason: 'backpressure' } }]),
  ],
  [
    'a message that reaches nobody, and is not there',
    'existence',
    crewOf(),
    (it) => it.add([{ type: 'message.refused', id: 'm', changes: { recipient: 'ana', reason: 'backpressure' } }]),
  ],
  [
    'one who follows a topic twice',
    'topics',
    crewOf(follow('followed', 'bo')),
    (it) => it.add([follow('followed', 'bo')]),
  ],
  [
    'one who no longer follows what it never followed',
    'topics',
    crewOf(),
    (it) => it.add([follow('unfollowed', 'bo')]),
  ],
  ['a follower who is unknown', 'members', crewOf(), (it) => it.add([follow('followed', 'cleo')])],
  [
    'a message to a topic that leaves out who follows it',
    'topics',
    crewOf(
      joined('cleo'),
      follow('followed', 'bo'),
      follow('followed', 'cleo'),
      follow('followed', 'ana'),
      sent('m', ['bo'], { topic: 'news', refused: [{ recipient: 'cleo', reason: 'backpressure' }] }),
    ),
    (it) => it.add([sent('n', ['bo'], { topic: 'news' })]),
  ],
  [
    'a message to a topic that goes to who has left the crew',
    'topics',
    crewOf(follow('followed', 'bo'), { type: 'member.left', id: 'bo', changes: {} }, sent('m', [], { topic: 'news' })),
    (it) => it.add([sent('n', ['bo'], { topic: 'news' })]),
  ],
  [
    'a key that makes two things',
    'keys',
    crewOf(created('a'), keyUsed('k', ['a']), created('b'), {
      ...keyUsed('k', ['b']),
      by: 'bo',
    }).add([created('c'), keyUsed('k', ['c'], { command: 'createMany' })]),
    (it) => it.add([created('d'), keyUsed('k', ['d'])]),
  ],
  [
    'a key that makes two things, as the first is still open a day later',
    'keys',
    crewOf(created('a'), keyUsed('k', ['a'])).add([created('b')], { at: 1_000_000 + DAY + 1000 }),
    (it) => it.add([created('d', {}), keyUsed('k', ['d'])], { at: 2 * DAY }),
  ],
  ['a key for what its command did not make', 'keys', crewOf(created('a')), (it) => it.add([keyUsed('k', ['a'])])],
  [
    'a key for an attempt that is another one',
    'keys',
    crewOf(created('a'), started('a', 2), keyUsed('k', ['a'], { command: 'claim', attempt: { number: 1, fence: 1 } })),
    (it) => it.add([keyUsed('j', ['a'], { command: 'claim', attempt: { number: 2, fence: 2 } })]),
  ],
  [
    'a session that has ended and still holds a task',
    'sessions',
    crewOf(created('a'), started('a', 2)),
    (it) => it.add([{ type: 'session.ended', id: 's1', changes: {} }]),
  ],
  [
    'a session that has ended and still holds a message',
    'sessions',
    crewOf(sent('m', 'bo'), leased()),
    (it) => it.add([{ type: 'session.ended', id: 's1', changes: {} }]),
  ],
  [
    'settings that are set to what they are',
    'settings',
    crewOf({ type: 'crew.configured', id: 'crew', changes: { retention: { keep: 5 } } }),
    (it) => it.add([{ type: 'crew.configured', id: 'crew', changes: { retention: { keep: 5 } } }]),
  ],
  [
    'a task that is forgotten before it has ended',
    'pruning',
    crewOf(created('a')),
    (it) => it.add([pruned({ tasks: ['a'] })]),
  ],
  [
    'a task that is forgotten while another depends on it',
    'pruning',
    crewOf(created('a'), started('a', 2), completed('a', 3), created('b', edge('a'))),
    (it) => it.add([pruned({ tasks: ['a'] })]),
  ],
  [
    'a part that is forgotten before its whole has ended',
    'pruning',
    crewOf(created('a'), created('b', { parentId: 'a' }), failed('b', 2)),
    (it) => it.add([pruned({ tasks: ['b'] })]),
  ],
  [
    'a task that is forgotten while the one in its place is open',
    'pruning',
    crewOf(created('a'), failed('a', 2), created('b', { supersedes: 'a' })),
    (it) => it.add([pruned({ tasks: ['a'] })]),
  ],
  [
    'a task that is forgotten while others have yet to fall with it',
    'pruning',
    crewOf(created('a'), created('b', edge('a')), failed('a', 2), left({ added: ['a'] }), failed('b', 2)),
    (it) => it.add([pruned({ tasks: ['a'] })]),
  ],
  [
    'a task that is forgotten while it is talked of',
    'pruning',
    crewOf(created('a'), failed('a', 2), sent('m', 'bo', { taskId: 'a', threadId: 'talk' })),
    (it) => it.add([pruned({ tasks: ['a'] })]),
  ],
  [
    'a task that is forgotten while there is a key to it',
    'pruning',
    crewOf(created('a'), keyUsed('k', ['a']), failed('a', 2)),
    (it) => it.add([pruned({ tasks: ['a'] })]),
  ],
  [
    'a message that is forgotten before it is read',
    'pruning',
    crewOf(sent('m', 'bo')),
    (it) => it.add([pruned({ messages: ['m'] })]),
  ],
  [
    'a message that is forgotten while one in its thread is dead',
    'pruning',
    crewOf(
      sent('m', 'bo'),
      leased(),
      acknowledged,
      sent('n', 'ana', { replyTo: 'm', threadId: 'm', hops: 1, sender: 'bo' }),
      delivered('leased', 'n', 'ana', 'leased', 1),
      delivered('dead', 'n', 'ana', 'dead', 1),
    ),
    (it) => it.add([pruned({ messages: ['m'] })]),
  ],
  [
    'a question that is forgotten while it waits for its reply',
    'pruning',
    crewOf(sent('m', 'bo', question), leased(), acknowledged),
    (it) => it.add([pruned({ messages: ['m'] })]),
  ],
  [
    'a message that is forgotten while the task that it is about is open',
    'pruning',
    crewOf(created('a'), sent('m', 'bo', { taskId: 'a' }), leased(), acknowledged),
    (it) => it.add([pruned({ messages: ['m'] })]),
  ],
  [
    'something that is forgotten twice',
    'existence',
    crewOf(created('a'), failed('a', 2), pruned({ tasks: ['a'] })),
    (it) => it.add([pruned({ tasks: ['a'] })]),
  ],
  [
    'an event of what is forgotten',
    'existence',
    crewOf(created('a'), failed('a', 2), pruned({ tasks: ['a'] })),
    (it) => it.add([moved('commented', 'a', 3, { commentCount: 1 })]),
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

  it('has events of kinds that are not known, which are passed over', async () => {
    const journal = crewOf(created('a')).add([
      { type: 'message.painted', id: 'm', changes: { colour: 'red' } },
      { type: 'crew.painted', id: 'crew', changes: { colour: 'red' } },
      { type: 'weather.changed', id: 'rain', changes: {} },
      moved('painted', 'a', 2, { colour: 'red' }),
    ])
    expect(await checkJournal(journal)).toEqual([])
  })

  it('has a cascade that goes on in later commits', async () => {
    const fallen = { failure: { code: 'dependency', rootId: 'a' } }
    const journal = crewOf(created('a'), created('b', edge('a')), created('c', edge('b')))
      .add([failed('a', 2), left({ added: ['a'] })])
      .add([failed('b', 2, fallen), left({ added: ['b'], removed: ['a'] })])
      .add([failed('c', 2, fallen), left({ removed: ['b'] })])
    expect(await checkJournal(journal)).toEqual([])
  })

  it('forgets what nothing needs any more, and may use its ids anew', async () => {
    const journal = crewOf(
      ...[created('a'), keyUsed('k', ['a']), failed('a', 2), sent('m', 'bo', { taskId: 'a' }), leased(), acknowledged],
    )
    journal.add([pruned({ tasks: ['a'], messages: ['m'] })], { at: 2 * DAY })
    journal.add([created('a'), keyUsed('k', ['a']), sent('m', 'bo')], {
      at: 2 * DAY,
    })
    expect(await checkJournal(journal)).toEqual([])
  })

  it.each<[string, (n: number) => Parameters<RawJournal['add']>[0]]>([
    ['that wait for the one before', (n) => [created(`${n}`, n > 0 ? edge(`${n - 1}`) : {})]],
    ['that wait for the next one', (n) => [created(`${n}`, edge(`${n + 1}`))]],
    ['in one another', (n) => [created(`${n}`, n > 0 ? { parentId: `${n - 1}` } : {})]],
    [
      'of one whole that wait for the one before',
      (n) => [created(`${n}`, n > 1 ? { parentId: '0', ...edge(`${n - 1}`) } : n > 0 ? { parentId: '0' } : {})],
    ],
  ])('of many tasks %s is checked at a cost that grows with them only', async (_, eventsOf) => {
    const costOf = (count: number): Promise<number> => {
      const journal = crewOf()
      for (let n = 0; n < count; n++) journal.add(eventsOf(n))
      return lookups(async () => {
        expect(await checkJournal(journal)).toEqual([])
      })
    }
    // Guard, taken out once: `isNear` in waiting-order.ts. A walk along all of a chain for each costs four times as much.
    expect(await costOf(2000)).toBeLessThan(2.2 * (await costOf(1000)))
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

  it('finds no journal where there is none, and names it', async () => {
    const storage = new MemoryStorage()
    const crew = await openCrew({ storage, environment: manualEnvironment(), name: 'shop' })
    await crew.join('ana')
    await expect(checkJournal(storage)).rejects.toMatchObject({
      code: 'not_found',
      message: 'Journal not found: crew; a journal has the name of its crew: checkJournal(storage, crew.name)',
    })
    expect(await checkJournal(storage, crew.name)).toEqual([])
  })
})

async function* parts(...texts: readonly string[]): AsyncGenerator<string> {
  yield* texts
}
