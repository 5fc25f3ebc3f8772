import fc from 'fast-check'
import { expect } from 'vitest'
import { CrewError, type JournalEvent } from 'crewlog'
import { collaboration } from './collaboration-commands.js'
import {
  at,
  type Called,
  MEMBERS,
  ofAttempt,
  type Replica,
  type Run,
  someMessage,
  someTask,
  type Particulars,
  TASKS,
  type Trace,
  traced,
} from './steps.js'
import { STRATEGIES } from './strategies.js'

export { MEMBERS, type Replica, TASKS, type Trace } from './steps.js'

const expectSame = (both: readonly ({ readonly id: string; readonly fence: number } | undefined)[]): void => {
  expect([both[1]?.id, both[1]?.fence]).toEqual([both[0]?.id, both[0]?.fence])
}

const commands = {
  ...collaboration,
  create: ({ crew }, { task, more, policy, member, other, ms, flag }, op) =>
    traced(
      op,
      crew.tracker.create({
        id: task,
        description: op,
        ...(flag && { assignees: member }),
        ...(!flag && { dependsOn: more.map((id) => ({ id, onFailure: policy, onCancel: policy })) }),
        ...(ms > 100 && { timeLimitMs: ms, notBefore: crew.journal.environment.now() + 100 }),
        ...(ms === 100 && {
          failAt: crew.journal.environment.now() + 20_000,
          dueAt: crew.journal.environment.now() + ms,
        }),
        ...(ms === 5 && { reviewers: [...new Set([other, 'cy'])], ...(flag && other !== 'cy' && { quorum: 2 }) }),
        ...(ms === 1000 && { budget: { tokens: 4000 } }),
        ...(ms === 5000 && { requires: { sql: 0.5 } }),
      }),
      ['created'],
    ),
  createMany: ({ crew }, { task, more, policy }, op) => ({
    answer: crew.tracker.createMany([
      { id: task, description: op, labels: [op], retry: { attempts: 2 } },
      ...more.map((id) => ({ id, description: 'part', parentId: task, dependsOn: [{ id: 't0', onFailure: policy }] })),
    ]),
    trace: { types: ['task.created'], mark: `["${op}"]` },
  }),
  createTwice: ({ crew }, { member }, op) => {
    const calls = [1, 2].map(() => crew.tracker.create({ description: op }, { by: member, idempotencyKey: op }))
    return traced(op, Promise.all(calls).then(expectSame), ['created'])
  },
  update: ({ crew }, { task, ms }, op) =>
    traced(op, crew.tracker.update(task, { metadata: { op }, priority: ms }), ['updated']),
  assign: ({ crew }, { task, member, other, flag }) => ({
    answer: crew.tracker.assign(task, flag ? [member, other] : member, { by: other }),
  }),
  autoAssign: ({ crew }, { task, more, flag, pick }) => ({
    answer: crew.autoAssign({
      strategy: at(STRATEGIES, pick)!,
      ...(flag && { tasks: [task, ...more] }),
      dryRun: pick === 0,
    }),
  }),
  unassign: ({ crew }, { task }) => ({ answer: crew.tracker.unassign(task) }),
  start: ({ crew }, { task, member }) => ({ answer: crew.tracker.start(task, { by: member }) }),
  claim: (replica, { task, member, flag, ms }) => ({
    answer: replica.crew.tracker
      .claim(member, { ...(flag && { taskId: task }), ...(ms >= 1000 && { leaseMs: ms }) })
      .then((attempt) => {
        if (attempt) replica.attempts.unshift(attempt)
        return attempt
      }),
  }),
  claimTwice: (replica, { member }, op) => ({
    answer: Promise.allSettled([1, 2].map(() => replica.crew.tracker.claim(member, { idempotencyKey: op }))).then(
      (both) => {
        const found = both.flatMap((one) => (one.status === 'fulfilled' ? (one.value ?? []) : []))
        replica.attempts.unshift(...new Set(found))
        // Of a log that went back one may not know, and the other has it by the key.
        for (const one of both) if (one.status === 'rejected') throw one.reason
        // The second may find what came after the first.
        const [first] = both
        if (first?.status === 'fulfilled' && first.value)
          expectSame(found.map((attempt) => ({ id: attempt.task.id, fence: attempt.fence })))
      },
    ),
  }),
  progress: ofAttempt((attempt, { ms }, op) => {
    const told = attempt.progress({ note: op, value: 0.5, usage: { tokens: ms } })
    // What passes a budget is kept, too.
    const kept = told.catch((error: unknown) => {
      if (!CrewError.is(error, 'budget_spent')) throw error
    })
    return traced(op, kept, ['progressed', 'failed', 'cancelled'])
  }),
  complete: ofAttempt((attempt, _, op) => traced(op, attempt.complete({ result: op }), ['completed', 'waiting'])),
  fail: ofAttempt((attempt, { flag }, op) =>
    traced(op, attempt.fail({ error: op, retryable: flag }), ['released', 'failed', 'cancelled']),
  ),
  release: ofAttempt((attempt, _, op) => traced(op, attempt.release({ reason: op }), ['released', 'cancelled'])),
  wait: ofAttempt((attempt, { other, ms, flag }, op) => ({
    answer: attempt.wait({
      for: 'input',
      question: op,
      ...(flag && { of: other }),
      ...(ms > 0 && { withinMs: ms, onTimeout: flag ? 'resume' : { ask: [other] } }),
    }),
    // Others are asked in an event of the same name; of a task whose cancellation was asked for, it is the end.
    trace: { types: ['task.waiting'], mark: `"${op}"`, field: 'status', mayBeNone: true },
  })),
  completeByHand: (replica, step, op) =>
    traced(op, replica.crew.tracker.complete(someTask(replica, step, 'in_progress'), { result: op }), [
      'completed',
      'waiting',
    ]),
  failByHand: (replica, step, op) =>
    traced(op, replica.crew.tracker.fail(someTask(replica, step, 'in_progress'), { error: op, retryable: step.flag }), [
      'released',
      'failed',
      'cancelled',
    ]),
  resume: (replica, step, op) =>
    traced(op, replica.crew.tracker.resume(someTask(replica, step, 'waiting'), { by: step.member, answer: op }), [
      'resumed',
    ]),
  review: (replica, step, op) =>
    traced(
      op,
      replica.crew.tracker.review(someTask(replica, step, 'waiting'), {
        by: 'cy',
        passed: step.flag,
        remarks: op,
        final: step.ms > 0,
      }),
      ['completed', 'resumed', 'failed'],
    ),
  cancel: ({ crew }, { task, flag }, op) =>
    traced(op, crew.tracker.cancel(task, { reason: op, force: flag }), ['cancelled', 'cancelRequested'], true),
  retry: (replica, step) => ({
    answer: replica.crew.tracker.retry(someTask(replica, step, 'failed', 'cancelled'), { cascade: step.flag }),
  }),
  addDependency: ({ crew }, { task, more, policy }) => ({
    answer: crew.tracker.addDependency(task, { id: more[0] ?? task, onFailure: policy, onCancel: policy }),
  }),
  removeDependency: ({ crew }, { task, more }) => ({ answer: crew.tracker.removeDependency(task, more[0] ?? task) }),
  comment: ({ crew }, { task, member, other }, op) => ({
    answer: crew.tracker.comment(task, `${op} @${other}`, { by: member }),
    trace: { types: ['message.sent'], mark: `"${op} @${other}"` },
  }),
  send: ({ crew }, { task, member, other, flag, ms }, op) =>
    traced(
      op,
      crew.communications.send({
        sender: member,
        recipient: flag ? [...MEMBERS] : other,
        content: op,
        ...(flag && { taskId: task }),
        ...(ms > 0 && { expiresAt: crew.journal.environment.now() + ms, priority: ms }),
      }),
      ['message.sent'],
    ),
  sendTwice: ({ crew }, { member, other }, op) => {
    const draft = { sender: member, recipient: other, content: op }
    const calls = [1, 2].map(() => crew.communications.send(draft, { idempotencyKey: op }))
    return traced(
      op,
      Promise.all(calls).then((both) => expect(both[1]).toBe(both[0])),
      ['message.sent'],
    )
  },
  reply: (replica, { member, pick }, op) => {
    const to = someMessage(replica, pick)
    return to === undefined
      ? undefined
      : traced(op, replica.crew.communications.reply(to, { sender: member, content: op }), ['message.sent'])
  },
  ask: ({ crew }, { member, other, ms }, op) => {
    const answer = crew.communications.ask({ sender: member, recipient: other, content: op }, { timeoutMs: ms })
    // Whoever stops waiting does not know of the question.
    const settled = answer.catch((error: unknown) => {
      const isUnknown = CrewError.is(error, 'timed_out') || CrewError.is(error, 'closed')
      throw isUnknown ? new CrewError('outcome_unknown', error.message) : error
    })
    return traced(op, settled, ['message.sent'])
  },
  broadcast: ({ crew }, { member }, op) =>
    traced(op, crew.communications.broadcast({ sender: member, content: op }), ['message.sent']),
  publish: ({ crew }, { member, task }, op) =>
    traced(op, crew.communications.publish(task, { sender: member, content: op }), ['message.sent']),
  follow: ({ crew }, { member, task }) => ({ answer: crew.communications.follow(member, task) }),
  unfollow: ({ crew }, { member, task }) => ({ answer: crew.communications.unfollow(member, task) }),
  receive: (replica, { member, pick, ms }) => ({
    answer: replica.crew.communications
      .receive(member, { limit: pick + 1, ...(ms >= 1000 && { leaseMs: ms }) })
      .then((deliveries) => {
        replica.deliveries.unshift(...deliveries)
        return deliveries
      }),
  }),
  acknowledge: ({ crew, deliveries }, { pick }) => {
    const delivery = at(deliveries, pick)
    return delivery && { answer: crew.communications.acknowledge(delivery) }
  },
  giveBack: ({ crew, deliveries }, { pick, ms }, op) => {
    const delivery = at(deliveries, pick)
    return (
      delivery &&
      traced(op, crew.communications.giveBack(delivery, { reason: op, delayMs: ms }), [
        'message.returned',
        'message.dead',
        'message.expired',
      ])
    )
  },
  resend: (replica, { pick }) => {
    const message = someMessage(replica, pick)
    return message === undefined ? undefined : { answer: replica.crew.communications.resend(message) }
  },
  checkpoint: ({ crew }) => ({ answer: crew.checkpoint() }),
  leave: ({ crew }, { member }) => ({ answer: crew.leave(member) }),
  join: ({ crew }, { member, pick, flag }) => ({
    answer: crew.join(member, {
      capacity: 1 + (pick % 3),
      available: flag || pick < 6,
      budget: { tokens: pick * 9000 },
      ...(flag && { skills: { sql: pick / 8 } }),
    }),
  }),
} satisfies Record<string, Run>

/** One step of a story: a command with its arguments. */
export interface Step extends Particulars {
  readonly command: keyof typeof commands
}

/** Calls a command; undefined when there is nothing to call it on. */
export const call = (replica: Replica, step: Step, op: string): Called | undefined =>
  commands[step.command](replica, step, op)

export const COMMANDS = Object.keys(commands) as readonly Step['command'][]
export const FREQUENT: readonly Step['command'][] = [
  'autoAssign',
  'claim',
  'claim',
  'claim',
  'start',
  'complete',
  'fail',
  'wait',
  'resume',
  'send',
  'receive',
  'acknowledge',
]

/** What members do with and for each other: some of it makes sense only after other. */
export const COLLABORATION: readonly Step['command'][] = [
  'offer',
  'offer',
  'accept',
  'accept',
  'accept',
  'decline',
  'handOff',
  'handOff',
  'request',
  'askForHelp',
  'reviewBy',
  'escalate',
]

export const aStep: fc.Arbitrary<Step> = fc.record({
  command: fc.oneof(fc.constantFrom(...COMMANDS), fc.constantFrom(...FREQUENT), fc.constantFrom(...COLLABORATION)),
  member: fc.constantFrom(...MEMBERS),
  other: fc.constantFrom(...MEMBERS),
  task: fc.constantFrom(...TASKS),
  more: fc.uniqueArray(fc.constantFrom(...TASKS), { maxLength: 2 }),
  policy: fc.constantFrom('fail', 'cancel', 'continue', 'block'),
  ms: fc.constantFrom(0, 0, 5, 100, 1000, 5000, 40_000),
  flag: fc.boolean(),
  pick: fc.nat({ max: 8 }),
})

/** How many stored events show what a trace says. */
export const timesStored = ({ types, mark, field }: Trace, events: readonly JournalEvent[]): number =>
  events.filter(
    ({ type, changes }) =>
      types.includes(type) && (field === undefined || field in changes) && JSON.stringify(changes).includes(mark),
  ).length
