import {
  type Attempt,
  Communications,
  type Crew,
  type Delivery,
  Journal,
  type Member,
  MemoryStorage,
  Message,
  openCrew,
  parseCommit,
  ReportGenerator,
  systemEnvironment,
  type Task,
  TaskTracker,
} from 'crewlog'
import { quote, redact, rolePolicy } from 'crewlog/security'
import { fileStorage } from 'crewlog/storage/file'
import { given, manualEnvironment, type ManualEnvironment, recordEvents } from 'crewlog/testing'

/** A crew with one of everything. */
export interface World {
  readonly environment: ManualEnvironment
  readonly crew: Crew
  readonly ana: Member
  readonly pending: Task
  readonly attempt: Attempt
  readonly waiting: Task
  readonly message: Message
  readonly delivery: Delivery
}

export async function makeWorld(onError: (error: unknown) => void = () => undefined): Promise<World> {
  const environment = manualEnvironment()
  const crew = await openCrew({ environment, onError })
  const ana = await crew.join('ana', { capacity: 100 })
  await crew.join('bo', { capacity: 100 })
  const { tracker } = crew
  const pending = await tracker.create({ id: 'pending', description: 'Pending', dueAt: '2026-03-01T12:00:00Z' })
  await tracker.create({ id: 'running', description: 'Running' })
  const attempt = (await ana.claim({ taskId: 'running' }))!
  await tracker.create({ id: 'waiting', description: 'Waiting' })
  const asking = await ana.claim({ taskId: 'waiting' })
  const waiting = await asking!.wait({ for: 'input' })
  const message = await ana.send('bo', 'Hello')
  await crew.as('bo').send('ana', 'Hello')
  const [delivery] = await ana.receive()
  return { environment, crew, ana, pending, attempt, waiting, message, delivery: delivery! }
}

/** Calls a public method with a value that may be anything; what it answers, throws or rejects with is looked at. */
export type Door = (value: never, world: World) => unknown

const DRAFT = [
  'id',
  'title',
  'kind',
  'input',
  'priority',
  'assignees',
  'dueAt',
  'failAt',
  'notBefore',
  'requires',
  'dependsOn',
  'parentId',
  'supersedes',
  'reviewers',
  'watchers',
  'labels',
  'metadata',
  'estimateMs',
  'timeLimitMs',
  'retry',
  'budget',
  'createdBy',
  'nonsense',
] as const
const FILTER = [
  'status',
  'stage',
  'assignee',
  'label',
  'kind',
  'parentId',
  'priority',
  'dueAt',
  'ready',
  'overdue',
  'text',
  'orderBy',
  'limit',
  'after',
] as const

/** A door for each field of one argument. */
const fields = (
  name: string,
  names: readonly string[],
  door: (part: never, world: World) => unknown,
): [string, Door][] =>
  names.map((field) => [`${name} { ${field} }`, (value, world) => door({ [field]: value } as never, world)])

const stopped = (running: { stop(): Promise<void> }): unknown => running.stop()
const opened = async (options: object): Promise<void> => {
  const crew = await openCrew(options)
  await crew.close()
}

/** A tracker whose one kind has a schema that answers so. */
const checkedBy = (validate: () => unknown): Promise<Task> =>
  new TaskTracker({ kinds: { odd: { input: { '~standard': { version: 1, vendor: 'x', validate } } } } }).create({
    description: 'x',
    kind: 'odd',
  })

const commands: [string, Door][] = [
  ['create', (v, { crew }) => crew.tracker.create(v)],
  ['create options', (v, { crew }) => crew.tracker.create({ description: 'x' }, v)],
  ...fields('create options', ['by', 'idempotencyKey'], (part, { crew }) =>
    crew.tracker.create({ description: 'x' }, part),
  ),
  ['createMany options', (v, { crew }) => crew.tracker.createMany([{ description: 'x' }], v)],
  ...fields('create', DRAFT, (part: object, { crew }) => crew.tracker.create({ description: 'x', ...part })),
  ['createMany', (v, { crew }) => crew.tracker.createMany(v)],
  ['createMany of', (v, { crew }) => crew.tracker.createMany([{ description: 'x' }, v])],
  ['update id', (v, { crew }) => crew.tracker.update(v, { priority: 2 })],
  ['update', (v, { crew }) => crew.tracker.update('pending', v)],
  ['update options', (v, { crew }) => crew.tracker.update('pending', { priority: 2 }, v)],
  ...fields('update', [...DRAFT, 'description'], (part, { crew }) => crew.tracker.update('pending', part)),
  ['assign id', (v, { crew }) => crew.tracker.assign(v, 'ana')],
  ['assign', (v, { crew }) => crew.tracker.assign('pending', v)],
  ['assign options', (v, { crew }) => crew.tracker.assign('pending', 'ana', v)],
  ['unassign options', (v, { crew }) => crew.tracker.unassign('pending', v)],
  ['start id', (v, { crew }) => crew.tracker.start(v)],
  ['start options', (v, { crew }) => crew.tracker.start('pending', v)],
  ['claim member', (v, { crew }) => crew.tracker.claim(v)],
  ['claim options', (v, { crew }) => crew.tracker.claim('bo', v)],
  ...fields('claim', ['taskId', 'filter', 'leaseMs', 'idempotencyKey'], (part, { crew }) =>
    crew.tracker.claim('bo', part),
  ),
  ['progress id', (v, { crew }) => crew.tracker.progress(v, {})],
  ['progress options', (v, { crew }) => crew.tracker.progress('running', v)],
  ['complete id', (v, { crew }) => crew.tracker.complete(v)],
  ['complete options', (v, { crew }) => crew.tracker.complete('running', v)],
  ['fail id', (v, { crew }) => crew.tracker.fail(v, { error: 'x' })],
  ['fail options', (v, { crew }) => crew.tracker.fail('running', v)],
  ['release options', (v, { crew }) => crew.tracker.release('running', v)],
  ['wait options', (v, { crew }) => crew.tracker.wait('running', v)],
  ...fields('attempt.progress', ['value', 'note', 'usage', 'fence'], (part, { attempt }) => attempt.progress(part)),
  ...fields('attempt.complete', ['result', 'usage', 'waive'], (part, { attempt }) => attempt.complete(part)),
  ...fields('attempt.fail', ['error', 'retryable', 'usage'], (part, { attempt }) => attempt.fail(part)),
  ...fields('attempt.release', ['reason'], (part, { attempt }) => attempt.release(part)),
  ...fields('attempt.wait', ['for', 'question', 'of', 'withinMs', 'onTimeout'], (part: object, { attempt }) =>
    attempt.wait({ for: 'input', ...part }),
  ),
  ['attempt.progress', (v, { attempt }) => attempt.progress(v)],
  ['attempt.complete', (v, { attempt }) => attempt.complete(v)],
  ['attempt.fail', (v, { attempt }) => attempt.fail(v)],
  ['attempt.release', (v, { attempt }) => attempt.release(v)],
  ['attempt.wait', (v, { attempt }) => attempt.wait(v)],
  ['resume id', (v, { crew }) => crew.tracker.resume(v)],
  ['resume options', (v, { crew }) => crew.tracker.resume('waiting', v)],
  ['review options', (v, { crew }) => crew.tracker.review('waiting', v)],
  ['cancel id', (v, { crew }) => crew.tracker.cancel(v)],
  ['cancel options', (v, { crew }) => crew.tracker.cancel('pending', v)],
  ['retry options', (v, { crew }) => crew.tracker.retry('pending', v)],
  ['addDependency', (v, { crew }) => crew.tracker.addDependency('pending', v)],
  ...fields('addDependency', ['id', 'onFailure', 'onCancel'], (part: object, { crew }) =>
    crew.tracker.addDependency('pending', { id: 'waiting', ...part }),
  ),
  ['removeDependency', (v, { crew }) => crew.tracker.removeDependency('pending', v)],
  ['comment', (v, { crew }) => crew.tracker.comment('pending', v)],
  ['comment options', (v, { crew }) => crew.tracker.comment('pending', 'x', v)],
  ['offer id', (v, { crew }) => crew.tracker.offer(v, 'bo', { by: 'ana' })],
  ['offer to', (v, { crew }) => crew.tracker.offer('pending', v, { by: 'ana' })],
  ['offer options', (v, { crew }) => crew.tracker.offer('pending', 'bo', v)],
  ...fields('offer', ['note', 'expiresAt', 'by'], (part: object, { crew }) =>
    crew.tracker.offer('pending', 'bo', { by: 'ana', ...part }),
  ),
  ['accept', (v, { crew }) => crew.tracker.accept(v, { by: 'bo' })],
  ['accept options', (v, { crew, message }) => crew.tracker.accept(message, v)],
  ['decline', (v, { crew }) => crew.tracker.decline(v, { by: 'bo', reason: 'no' })],
  ['decline options', (v, { crew, message }) => crew.tracker.decline(message, v)],
  ['handOff id', (v, { crew }) => crew.tracker.handOff(v, 'bo', { note: 'x' })],
  ['handOff to', (v, { crew, attempt }) => crew.tracker.handOff('running', v, { note: 'x', fence: attempt.fence })],
  ['handOff options', (v, { crew }) => crew.tracker.handOff('running', 'bo', v)],
  ['request member', (v, { crew }) => crew.tracker.request(v)],
  ['request options', (v, { crew }) => crew.tracker.request('bo', v)],
  ['askForHelp id', (v, { crew }) => crew.tracker.askForHelp(v, 'x')],
  ['askForHelp', (v, { crew }) => crew.tracker.askForHelp('running', v)],
  ['askForHelp options', (v, { crew }) => crew.tracker.askForHelp('running', 'x', v)],
  ['resume question', (v, { crew }) => crew.tracker.resume('waiting', { question: v })],
  ['member.offer to', (v, { ana }) => ana.offer('pending', v)],
  ['member.offer options', (v, { ana }) => ana.offer('pending', 'bo', v)],
  ['member.accept', (v, { ana }) => ana.accept(v)],
  ['member.decline', (v, { ana }) => ana.decline(v, 'no')],
  ['member.decline reason', (v, { ana, message }) => ana.decline(message, v)],
  ['member.handOff', (v, { ana }) => ana.handOff(v, 'bo', 'x')],
  ['member.handOff note', (v, { ana, attempt }) => ana.handOff(attempt, 'bo', v)],
  ['member.request', (v, { ana }) => ana.request(v)],
  ['member.askForHelp', (v, { ana }) => ana.askForHelp(v, 'x')],
  ['member.askForHelp options', (v, { ana, attempt }) => ana.askForHelp(attempt, 'x', v)],
  ['member.awaitReply', (v, { ana }) => ana.awaitReply(v)],
  ['member.answer asked', (v, { ana }) => ana.answer(v, 'x')],
  ['member.review asked', (v, { ana }) => ana.review(v, { passed: true })],
  ['whenEnded', (v, { crew }) => crew.tracker.whenEnded(v)],
  ['whenEnded options', (v, { crew }) => crew.tracker.whenEnded('pending', v)],
  ['send', (v, { crew }) => crew.communications.send(v)],
  ...fields(
    'send',
    ['sender', 'recipient', 'content', 'kind', 'metadata', 'replyTo', 'taskId', 'topic', 'expiresAt', 'priority'],
    (part: object, { crew }) => crew.communications.send({ sender: 'ana', recipient: 'bo', content: 'x', ...part }),
  ),
  ['reply to', (v, { crew }) => crew.communications.reply(v, { sender: 'bo', content: 'x' })],
  ['reply', (v, { crew, message }) => crew.communications.reply(message, v)],
  ['broadcast', (v, { crew }) => crew.communications.broadcast(v)],
  ...fields('broadcast', ['sender', 'recipient', 'content', 'kind', 'topic'], (part: object, { crew }) =>
    crew.communications.broadcast({ sender: 'ana', content: 'x', ...part }),
  ),
  ['publish topic', (v, { crew }) => crew.communications.publish(v, { sender: 'ana', content: 'x' })],
  ['publish', (v, { crew }) => crew.communications.publish('tides', v)],
  ['follow member', (v, { crew }) => crew.communications.follow(v, 'tides')],
  ['follow topic', (v, { crew }) => crew.communications.follow('ana', v)],
  ['unfollow member', (v, { crew }) => crew.communications.unfollow(v, 'tides')],
  ['unfollow topic', (v, { crew }) => crew.communications.unfollow('ana', v)],
  ['send options', (v, { crew }) => crew.communications.send({ sender: 'ana', recipient: 'bo', content: 'x' }, v)],
  ['broadcast options', (v, { crew }) => crew.communications.broadcast({ sender: 'ana', content: 'x' }, v)],
  ['publish options', (v, { crew }) => crew.communications.publish('news', { sender: 'ana', content: 'x' }, v)],
  ['reply options', (v, { crew, message }) => crew.communications.reply(message, { sender: 'bo', content: 'x' }, v)],
  ['ask idempotencyKey', (v, { ana }) => ana.ask('bo', 'x', { idempotencyKey: v, timeoutMs: 0 })],
  ['member.send idempotencyKey', (v, { ana }) => ana.send('bo', 'x', { idempotencyKey: v })],
  ['member.reply options', (v, { ana, delivery }) => ana.reply(delivery.message, 'x', v)],
  ['addDependency options', (v, { crew }) => crew.tracker.addDependency('pending', 'waiting', v)],
  ['removeDependency options', (v, { crew }) => crew.tracker.removeDependency('pending', 'waiting', v)],
  ['receive member', (v, { crew }) => crew.communications.receive(v)],
  ['receive options', (v, { crew }) => crew.communications.receive('bo', v)],
  ['acknowledge', (v, { crew }) => crew.communications.acknowledge(v)],
  ...fields('acknowledge', ['message', 'recipient', 'count'], (part: object, { crew, delivery }) =>
    crew.communications.acknowledge({ ...delivery, ...part }),
  ),
  ['giveBack', (v, { crew }) => crew.communications.giveBack(v)],
  ['giveBack options', (v, { crew, delivery }) => crew.communications.giveBack(delivery, v)],
  ['resend', (v, { crew }) => crew.communications.resend(v)],
  ['resend recipient', (v, { crew, message }) => crew.communications.resend(message.id!, v)],
  ['ask', (v, { crew }) => crew.communications.ask(v)],
  ['ask options', (v, { crew }) => crew.communications.ask({ sender: 'ana', recipient: 'bo', content: 'x' }, v)],
  ['awaitReply', (v, { crew }) => crew.communications.awaitReply(v)],
  ['awaitReply options', (v, { crew, message }) => crew.communications.awaitReply(message.id!, v)],
  ['member.send to', (v, { ana }) => ana.send(v, 'x')],
  ['member.send', (v, { ana }) => ana.send('bo', v)],
  ['member.send options', (v, { ana }) => ana.send('bo', 'x', v)],
  ['member.broadcast', (v, { ana }) => ana.broadcast(v)],
  ['member.broadcast options', (v, { ana }) => ana.broadcast('x', v)],
  ['member.publish topic', (v, { ana }) => ana.publish(v, 'x')],
  ['member.publish', (v, { ana }) => ana.publish('tides', v)],
  ['member.publish options', (v, { ana }) => ana.publish('tides', 'x', v)],
  ['member.follow', (v, { ana }) => ana.follow(v)],
  ['member.unfollow', (v, { ana }) => ana.unfollow(v)],
  ['member.reply', (v, { ana, delivery }) => ana.reply(delivery.message, v)],
  ['member.ask options', (v, { ana }) => ana.ask('bo', 'x', v)],
  ['member.receive', (v, { ana }) => ana.receive(v)],
  ['member.acknowledge', (v, { ana }) => ana.acknowledge(v)],
  ['member.giveBack', (v, { ana }) => ana.giveBack(v)],
  ['member.claim', (v, { ana }) => ana.claim(v)],
  ['member.answer', (v, { ana }) => ana.answer('waiting', v)],
  ['member.review', (v, { ana }) => ana.review('waiting', v)],
  ['member.comment', (v, { ana }) => ana.comment('pending', v)],
  ['member.setAvailability', (v, { ana }) => ana.setAvailability(v)],
  ['join id', (v, { crew }) => crew.join(v)],
  ['join', (v, { crew }) => crew.join('cy', v)],
  ...fields('join', ['kind', 'skills', 'capacity', 'available', 'budget'], (part, { crew }) => crew.join('cy', part)),
  ['leave', (v, { crew }) => crew.leave(v)],
  ['idle', (v, { crew }) => crew.idle(v)],
  ['journal.open', (v, { crew }) => crew.journal.open(v)],
  ['journal.sync', (v, { crew }) => crew.journal.sync(v)],
]

const queries: [string, Door][] = [
  ...(
    ['get', 'status', 'stage', 'list', 'count', 'ready', 'dependencies', 'dependents', 'subtasks', 'view'] as const
  ).map((name): [string, Door] => [`tracker.${name}`, (v, { crew }) => crew.tracker[name](v)]),
  ...fields('list', FILTER, (part, { crew }) => crew.tracker.list(part)),
  ...(['inbox', 'unread', 'messages', 'get', 'deliveries', 'thread'] as const).map((name): [string, Door] => [
    `communications.${name}`,
    (v, { crew }) => crew.communications[name](v),
  ]),
  ...fields(
    'messages',
    ['sender', 'recipient', 'kind', 'topic', 'taskId', 'threadId', 'text', 'since', 'limit', 'after'],
    (part, { crew }) => crew.communications.messages(part),
  ),
  ['member.list', (v, { ana }) => ana.list(v)],
  ['member.task', (v, { ana }) => ana.task(v)],
  ['member.messages', (v, { ana }) => ana.messages(v)],
  ['member.thread', (v, { ana }) => ana.thread(v)],
  ['tracker.on', (v, { crew }) => crew.tracker.on(v, () => undefined)],
  ['tracker.on listener', (v, { crew }) => crew.tracker.on('created', v)],
  ['tracker.off', (v, { crew }) => crew.tracker.off(v, v)],
  ['tracker.subscribe', (v, { crew }) => crew.tracker.subscribe(v)],
  ['communications.on', (v, { crew }) => crew.communications.on(v, () => undefined)],
  ['communications.once listener', (v, { crew }) => crew.communications.once('sent', v)],
  ['communications.subscribe', (v, { crew }) => crew.communications.subscribe(v)],
  ['crew.on', (v, { crew }) => crew.on(v, () => undefined)],
  ['crew.once', (v, { crew }) => crew.once('task.created', v)],
  ['crew.off', (v, { crew }) => crew.off(v, v)],
  ['crew.as', (v, { crew }) => crew.as(v)],
  ['generate', (v, { crew }) => crew.reports.generate(v)],
  ['generate options', (v, { crew }) => crew.reports.generate('health', v)],
  ['thread.toMarkdown', (v, { crew }) => crew.communications.thread({ taskId: 'pending' }).toMarkdown(v)],
  ['quote', (v) => quote(v)],
  ['quote options', (v, { message }) => quote(message, v)],
  ['redact', (v) => redact(v)],
  ['redact options', (v, { message }) => redact(message, v)],
  ['rolePolicy', (v) => rolePolicy(v)],
  ['rolePolicy others', (v) => rolePolicy({}, v)],
  ['reviews', (v, { ana }) => stopped(ana.reviews(v))],
  ['reviews options', (v, { ana }) => stopped(ana.reviews(() => ({ passed: true }), v))],
  ['listen', (v, { ana }) => stopped(ana.listen(v))],
  ['listen options', (v, { ana }) => stopped(ana.listen(() => undefined, v))],
  ['work', (v, { ana }) => stopped(ana.work(v))],
  ['work options', (v, { ana }) => stopped(ana.work(() => undefined, v))],
  ...fields('work', ['concurrency', 'filter', 'signal'], (part, { ana }) => stopped(ana.work(() => undefined, part))),
  ['mail', (v, { ana }) => ana.mail(v)],
  ['attempts', (v, { ana }) => ana.attempts(v)],
  ['message.with', (v, { message }) => message.with(v)],
]

const makers: [string, Door][] = [
  ['Message', (v) => new Message(v)],
  ['Communications', (v) => new Communications(v)],
  ['TaskTracker', (v) => new TaskTracker(v)],
  ['Journal', (v) => new Journal(v)],
  ['ReportGenerator', (v) => new ReportGenerator(v)],
  ...fields(
    'Communications',
    ['journal', 'environment', 'strictMembers', 'limits', 'leaseMs'],
    (v) => new Communications(v),
  ),
  ...fields('TaskTracker', ['journal', 'leaseMs', 'retry', 'limits', 'kinds'], (v) => new TaskTracker(v)),
  ...fields('ReportGenerator', ['tracker', 'communications'], (v) => new ReportGenerator(v)),
  ['openCrew', (v) => opened(v)],
  ...fields(
    'openCrew',
    ['name', 'storage', 'environment', 'limits', 'strictMembers', 'leaseMs', 'retry', 'kinds', 'onError', 'nonsense'],
    opened,
  ),
  ['openCrew kinds.article', (v) => opened({ kinds: { article: v } })],
  ['openCrew kinds.article.input', (v) => opened({ kinds: { article: { input: v } } })],
  ['a schema gives', (v) => checkedBy(() => v)],
  ['a schema gives a value', (v) => checkedBy(() => ({ value: v }))],
  ['a schema gives issues', (v) => checkedBy(() => ({ issues: [v] }))],
  ...fields('openCrew', ['policy', 'canSee'], (v: object) =>
    typeof Object.values(v)[0] === 'function' ? undefined : opened(v),
  ),
  ['openCrew storage.writers', (v) => opened({ storage: Object.assign(new MemoryStorage(), { writers: v }) })],
  [
    'openCrew storage.maxCommitBytes',
    (v) => opened({ storage: Object.assign(new MemoryStorage(), { maxCommitBytes: v }) }),
  ],
  ['fileStorage', (v) => fileStorage(v)],
  ['fileStorage options', (v) => fileStorage('folder', v)],
  ['parseCommit', (v) => parseCommit(v, 'here')],
  ['manualEnvironment', (v) => manualEnvironment(v)],
  ...fields('manualEnvironment', ['seed', 'now'], (v) => manualEnvironment(v)),
  ['advance', (v) => (typeof v === 'number' && v > 1e6 ? undefined : manualEnvironment().advance(v))],
  ['suspend', (v) => manualEnvironment().suspend(v)],
  ['setWallClock', (v) => manualEnvironment().setWallClock(v)],
  ['setTimer', (v) => manualEnvironment().setTimer(v, v)],
  ['system setTimer', (v) => systemEnvironment.setTimer(() => undefined, v, true)()],
  ['recordEvents', (v) => recordEvents(v)],
  ['recordEvents of', (v, { crew }) => recordEvents(crew).of(v)],
  ['given', (v) => typeof v === 'function' || given(v)],
  ['when', (v) => typeof v === 'function' || given().when(v)],
]

export const doors: readonly (readonly [name: string, door: Door])[] = [...commands, ...queries, ...makers]
