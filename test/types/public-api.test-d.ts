import { describe, expectTypeOf, it } from 'vitest'
import {
  type Answer,
  type Attempt,
  type AttemptRecord,
  type CommitInfo,
  Communications,
  type Crew,
  CrewError,
  type CrewErrorCode,
  type Delivery,
  type Failure,
  type HealthData,
  type Json,
  type Member,
  type MemberInfo,
  Message,
  openCrew,
  type Report,
  type Running,
  type StoredEvent,
  type SummaryData,
  type Task,
  type TaskTracker,
  type WorkloadData,
} from 'crewlog'
import { recordEvents } from 'crewlog/testing'

declare const crew: Crew
declare const tracker: TaskTracker
declare const communications: Communications
declare const ana: Member
declare const attempt: Attempt
declare const task: Task

describe('events', () => {
  it('have their payloads on the tracker', () => {
    tracker.on('completed', (event) => {
      expectTypeOf(event.task).toEqualTypeOf<Task>()
      expectTypeOf(event.attempt).toEqualTypeOf<AttemptRecord>()
      expectTypeOf(event.commit).toEqualTypeOf<CommitInfo>()
    })
    tracker.on('failed', ({ failure }) => expectTypeOf(failure).toEqualTypeOf<Failure>())
    tracker.on('resumed', ({ answer }) => expectTypeOf(answer).toEqualTypeOf<Answer | undefined>())
    tracker.on('updated', ({ changed }) => expectTypeOf(changed).toEqualTypeOf<readonly string[]>())
    tracker.on('commented', ({ message }) => expectTypeOf(message).toEqualTypeOf<Message>())
    // @ts-expect-error a created task has no attempt
    tracker.once('created', ({ attempt }) => attempt as unknown)
    // @ts-expect-error no such event
    tracker.on('finished', () => undefined)
  })

  it('have the same payloads on the crew, by their full names', () => {
    crew.on('task.completed', ({ attempt }) => expectTypeOf(attempt).toEqualTypeOf<AttemptRecord>())
    crew.on('message.leased', ({ delivery }) => expectTypeOf(delivery).toEqualTypeOf<Delivery>())
    crew.on('member.joined', ({ member }) => expectTypeOf(member).toEqualTypeOf<MemberInfo>())
    crew.on('error', (error) => expectTypeOf(error).toEqualTypeOf<unknown>())
    crew.on('*', (event) => expectTypeOf(event).toEqualTypeOf<StoredEvent>())
    // @ts-expect-error short names are the tracker's
    crew.on('completed', () => undefined)
  })

  it('are recorded by short and full names', () => {
    expectTypeOf(recordEvents(crew).of('completed')[0]!.attempt).toEqualTypeOf<AttemptRecord>()
    expectTypeOf(recordEvents(crew).of('message.sent')[0]!.message).toEqualTypeOf<Message>()
  })

  it('may have listeners that are asynchronous', () => {
    expectTypeOf(tracker.on('created', async () => Promise.resolve())).toEqualTypeOf<() => void>()
  })
})

describe('reports', () => {
  it('have data by their name', () => {
    expectTypeOf(crew.reports.generate('summary')).toEqualTypeOf<Report<SummaryData>>()
    expectTypeOf(crew.reports.generate('workload').data).toEqualTypeOf<WorkloadData>()
    expectTypeOf(crew.reports.generate('health').data).toEqualTypeOf<HealthData>()
    // @ts-expect-error no such report
    crew.reports.generate('velocity')
  })
})

describe('work', () => {
  it('takes one handler, or one for each kind', () => {
    expectTypeOf(ana.work((attempt) => expectTypeOf(attempt).toEqualTypeOf<Attempt>())).toEqualTypeOf<Running>()
    ana.work({
      article: (attempt) => expectTypeOf(attempt).toEqualTypeOf<Attempt>(),
      poem: async ({ task }) => Promise.resolve(task.description),
    })
    // @ts-expect-error a handler is a function
    ana.work({ article: 'write' })
    ana.listen((message) => expectTypeOf(message).toEqualTypeOf<Message>())
  })

  it('answers an attempt, or nothing', () => {
    expectTypeOf(ana.claim()).resolves.toEqualTypeOf<Attempt | undefined>()
    expectTypeOf(ana.attempts()).toExtend<AsyncIterable<Attempt>>()
    expectTypeOf(ana.mail()).toExtend<AsyncIterable<Message>>()
  })
})

describe('drafts and options', () => {
  it('refuse unknown keys', () => {
    // @ts-expect-error no such field
    void tracker.create({ description: 'x', desc: 'y' })
    // @ts-expect-error no such option
    void openCrew({ store: undefined })
    // @ts-expect-error status is changed by moves
    void tracker.update('x', { status: 'completed' })
    // @ts-expect-error no such field of a filter
    tracker.list({ asignee: 'ana' })
    // @ts-expect-error a member cannot speak for another
    void ana.send('bo', 'x', { sender: 'cy' })
    // @ts-expect-error an attempt has its own fence
    void attempt.complete({ fence: 3 })
  })

  it('take leases in milliseconds', () => {
    expectTypeOf(Communications).toBeConstructibleWith({ leaseMs: 2000 })
    // @ts-expect-error spans are for tests alone
    expectTypeOf(Communications).toBeConstructibleWith({ leaseMs: '2s' })
    // @ts-expect-error spans are for tests alone
    void openCrew({ leaseMs: '2s' })
  })

  it('leave a field out rather than make it undefined', () => {
    // @ts-expect-error exactOptionalPropertyTypes
    void tracker.create({ description: 'x', title: undefined })
    // @ts-expect-error exactOptionalPropertyTypes
    tracker.list({ assignee: undefined })
    void tracker.update('x', { title: null, dueAt: null })
  })

  it('need what they need', () => {
    // @ts-expect-error a description is missing
    void tracker.create({ title: 'x' })
    // @ts-expect-error content is missing
    new Message({ sender: 'ana', recipient: 'bo' })
    // @ts-expect-error an error is missing
    void tracker.fail('x', {})
  })

  it('take JSON only', () => {
    void communications.send({ sender: 'ana', recipient: ['bo'], content: { list: [1, null, { deep: true }] } })
    // @ts-expect-error a Date is no JSON
    void communications.send({ sender: 'ana', recipient: 'bo', content: new Date(0) })
    // @ts-expect-error a bigint is no JSON
    void tracker.create({ description: 'x', input: 1n })
    expectTypeOf(new Message({ sender: 'a', recipient: 'b', content: 1 }).content).toEqualTypeOf<Json>()
  })
})

describe('values', () => {
  it('cannot be written to', () => {
    expectTypeOf<Task['assignees']>().toEqualTypeOf<readonly string[]>()
    // @ts-expect-error every field is readonly
    task.status = 'completed'
  })

  it('are narrowed by the brand of an error', () => {
    const error: unknown = undefined
    if (CrewError.is(error)) expectTypeOf(error.code).toEqualTypeOf<CrewErrorCode>()
  })

  it('may be absent where nobody may be there', () => {
    expectTypeOf(tracker.get('x')).toEqualTypeOf<Task | undefined>()
    expectTypeOf(tracker.status('x')).toEqualTypeOf<Task['status'] | undefined>()
    expectTypeOf(tracker.list()).toEqualTypeOf<readonly Task[]>()
    expectTypeOf<Task['dueAt']>().toEqualTypeOf<number | undefined>()
  })
})
