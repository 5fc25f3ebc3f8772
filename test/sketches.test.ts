import {
  Communications,
  type Crew,
  Message,
  MemoryStorage,
  openCrew,
  ReportGenerator,
  Task,
  TaskTracker,
} from 'crewlog'
import { crash, manualEnvironment, recordEvents } from 'crewlog/testing'
import { describe, expect, it, vi } from 'vitest'
import { openTeam } from './support/team.js'

/** What the public-api samples leave to the reader. */
const myAgent = async (member: string, task: Task) => `${member} did ${task.description}`

describe('the words of the original sketches and ours', () => {
  const environment = manualEnvironment()
  const communicationsOf = async () => {
    const communications = new Communications({ environment })
    const sent = await communications.send({ sender: 'LLM 1', recipient: 'LLM 2', content: 'Hello LLM 2!' })
    return { communications, sent }
  }

  it('Message(sender, receiver, content, metadata) with getters and setters: new Message and with()', () => {
    const message = new Message({ sender: 'LLM 1', recipient: 'LLM 2', content: 'Hello', metadata: { urgent: true } })
    const { sender, recipient, content, metadata } = message
    expect({ sender, recipient, content, metadata }).toEqual({
      sender: 'LLM 1',
      recipient: 'LLM 2',
      content: 'Hello',
      metadata: { urgent: true },
    })
    expect(message.with({ content: 'Goodbye' })).toMatchObject({ sender: 'LLM 1', content: 'Goodbye' })
  })

  it('send_message: send', async () => {
    const { sent } = await communicationsOf()
    expect(sent.id).toBeTypeOf('string')
  })

  it('receive_message(receiver): inbox(id) and receive(id)', async () => {
    const { communications, sent } = await communicationsOf()
    expect(communications.inbox('LLM 2')).toEqual([sent])
    expect(await communications.receive('LLM 2')).toMatchObject([{ message: sent, count: 1 }])
    expect(communications.inbox('LLM 1')).toEqual([])
  })

  it('get_messages: messages()', async () => {
    const { communications, sent } = await communicationsOf()
    expect(communications.messages()).toEqual([sent])
  })

  it('Task(id, description), assigned_llm: Task with id, description and assignees', async () => {
    const tracker = new TaskTracker({ environment })
    const task = await tracker.create({ id: '1', description: 'Implement feature A' })
    expect(task).toBeInstanceOf(Task)
    expect(task).toMatchObject({ id: '1', description: 'Implement feature A', assignees: [], status: 'pending' })
  })

  it('set_status, update_task_status: the transitions, and nothing else', async () => {
    const tracker = new TaskTracker({ environment })
    await tracker.create({ id: '1', description: 'Implement feature A' })
    await expect(tracker.update('1', { status: 'completed' } as object)).rejects.toMatchObject({
      code: 'invalid_input',
    })
    expect((await tracker.start('1', { by: 'LLM 1' })).status).toBe('in_progress')
    expect((await tracker.complete('1')).status).toBe('completed')
  })

  it('assign_task: assign', async () => {
    const tracker = new TaskTracker({ environment })
    await tracker.create({ id: '1', description: 'Implement feature A' })
    expect((await tracker.assign('1', 'LLM 1')).assignees).toEqual(['LLM 1'])
    expect((await tracker.assign('1', ['LLM 2', 'LLM 3'])).assignees).toEqual(['LLM 2', 'LLM 3'])
    await expect(tracker.assign('2', 'LLM 1')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('get_task_status ("Task not found"): status(id), and a command on an unknown id is refused', async () => {
    const tracker = new TaskTracker({ environment })
    await tracker.create({ id: '1', description: 'Implement feature A' })
    expect(tracker.status('1')).toBe('pending')
    expect(tracker.status('2')).toBeUndefined()
    await expect(tracker.start('2', { by: 'LLM 1' })).rejects.toThrow('Task not found: 2')
  })

  it('add_task, create_task, get_all_tasks, get_task_by_id: create, list() and get(id)', async () => {
    const tracker = new TaskTracker({ environment })
    const one = await tracker.create({ description: 'Implement feature A' })
    const two = await tracker.create({ description: 'Test feature A' })
    expect(tracker.list()).toEqual([one, two])
    expect(tracker.get(two.id)).toBe(two)
    expect(tracker.get('2')).toBeUndefined()
  })

  it('start_task, complete_task, get_task_time: start, complete and durationMs', async () => {
    const tracker = new TaskTracker({ environment })
    const { id } = await tracker.create({ description: 'Implement feature A' })
    await tracker.start(id, { by: 'LLM 1' })
    expect(tracker.get(id)?.durationMs).toBeUndefined()
    await environment.advance('90s')
    expect((await tracker.complete(id)).durationMs).toBe(90_000)
  })

  it('generate_report: summary with totals and durations, and workload', async () => {
    const tracker = new TaskTracker({ environment })
    for (const [id, by, seconds] of [
      ['1', 'LLM 1', 10],
      ['2', 'LLM 2', 30],
    ] as const) {
      // prettier-ignore
      await tracker.create({ id, description: id })
      await tracker.start(id, { by })
      await environment.advance(seconds * 1000)
      await tracker.complete(id)
    }
    await tracker.create({ description: 'open' })
    const reports = new ReportGenerator({ tracker })
    const { totals, durations } = reports.generate('summary').data
    expect(totals).toMatchObject({ tasks: 3, completed: 2 })
    expect(durations.meanMs).toBe(20_000)
    expect(
      reports.generate('workload').data.rows.map(({ member, completed, share }) => [member, completed, share]),
    ).toEqual([
      ['LLM 1', 1, 0.5],
      ['LLM 2', 1, 0.5],
    ])
  })

  it('priority, due date, assignee(s), dependencies, start and end times: fields of Task', async () => {
    const tracker = new TaskTracker({ environment })
    await tracker.create({ id: 'A', description: 'Implement feature A' })
    await tracker.start('A', { by: 'LLM 1' })
    await tracker.complete('A')
    const dueAt = new Date('2026-12-01T12:00:00Z')
    const task = await tracker.create({
      description: 'Test it',
      priority: 2,
      dueAt,
      assignees: ['LLM 1', 'LLM 2'],
      dependsOn: ['A'],
    })
    expect(task).toMatchObject({
      priority: 2,
      dueAt: dueAt.getTime(),
      assignees: ['LLM 1', 'LLM 2'],
      dependsOn: [{ id: 'A', onFailure: 'fail', onCancel: 'cancel' }],
    })
    await tracker.start(task.id, { by: 'LLM 2' })
    const startedAt = environment.now()
    await environment.advance('1m')
    expect(await tracker.complete(task.id)).toMatchObject({ startedAt, endedAt: startedAt + 60_000 })
  })

  it('manual assignment by users: assign', async () => {
    const { crew, tracker } = await openTeam(['hana', 'LLM 1'])
    const task = await tracker.create({ description: 'Implement feature A' })
    await tracker.assign(task.id, 'LLM 1', { by: 'hana' })
    expect(crew.as('LLM 1').inbox).toMatchObject([{ kind: 'task.assigned', sender: 'hana', taskId: task.id }])
  })
})

describe('the samples of the face of crewlog', () => {
  it('that the README begins with', async () => {
    const log = vi.fn()
    const environment = manualEnvironment()
    const crew = await openCrew({ environment })
    const ana = await crew.join('ana', { skills: { code: 0.9 }, capacity: 2 })
    const bo = await crew.join('bo', { skills: { test: 0.8 } })

    const build = await crew.tracker.create({ description: 'Implement feature A', requires: { code: 0.5 } })
    await crew.tracker.create({ description: 'Test feature A', requires: { test: 0.5 }, dependsOn: [build.id] })
    await ana.send('bo', 'Hello bo, feature A comes to you next')

    crew.tracker.on('completed', ({ task }) => log('done:', task.description))
    for (const member of [ana, bo]) member.work(async (attempt) => myAgent(member.id, attempt.task))
    await crew.idle()
    expect(crew.reports.generate('summary').toMarkdown()).toContain('| completed | 2 |')
    expect(log.mock.calls).toEqual([
      ['done:', 'Implement feature A'],
      ['done:', 'Test feature A'],
    ])
    expect(crew.tracker.list().map(({ result }) => result)).toEqual([
      'ana did Implement feature A',
      'bo did Test feature A',
    ])
    expect(bo.inbox.map(({ content }) => content)).toEqual(['Hello bo, feature A comes to you next'])
  })

  it('of the classes alone, on the platform itself', async () => {
    const communications = new Communications()
    await communications.send(new Message({ sender: 'LLM 1', recipient: 'LLM 2', content: 'Hello LLM 2!' }))
    expect(communications.inbox('LLM 2').map((message) => message.content)).toEqual(['Hello LLM 2!'])

    const tracker = new TaskTracker()
    const dueAt = new Date('2026-12-01T12:00:00Z')
    const task = await tracker.create({ description: 'Implement feature A', priority: 2, dueAt })
    await tracker.assign(task.id, 'LLM 1')
    await tracker.start(task.id)
    await tracker.complete(task.id, { result: { files: 3 } })
    expect(tracker.status(task.id)).toBe('completed')
    expect(tracker.get('2')).toBeUndefined()

    const report = new ReportGenerator({ tracker, communications }).generate('summary')
    expect(report.data.totals).toMatchObject({ tasks: 1, completed: 1 })
  })

  it('in a test', async () => {
    const environment = manualEnvironment()
    const crew = await openCrew({ environment, onError: () => undefined })
    const ana = await crew.join('ana')
    const events = recordEvents(crew)
    await crew.tracker.create({ description: 'Summarise' })
    ana.work(async () => {
      throw new Error('model overloaded')
    })
    await environment.advance('1m')
    expect(events.types('task').slice(0, 5)).toEqual(['created', 'started', 'released', 'started', 'released'])
  })

  it('of people who are asked, and of others who are asked when they do not answer', async () => {
    const { crew, tracker, environment } = await openTeam(['desk', 'hana', 'omar'])
    const [desk, hana, omar] = ['desk', 'hana', 'omar'].map((id) => crew.as(id))
    const [task, other] = await tracker.createMany([{ description: 'Chargeback' }, { description: 'Another' }])
    desk!.work(async (attempt) => {
      if (attempt.answer) return { decision: attempt.answer.answer ?? null }
      return attempt.wait({
        for: 'approval',
        question: 'Accept the chargeback?',
        of: 'hana',
        withinMs: 30 * 60_000,
        onTimeout: { ask: 'omar' },
      })
    })
    await crew.idle()
    await hana!.answer(task!.id, 'yes')
    const done = await tracker.whenEnded(task!.id)
    expect(done.result).toEqual({ decision: 'yes' })
    expect(crew.communications.thread({ taskId: done.id }).toMarkdown()).toContain('Accept the chargeback?')

    expect(omar!.inbox).toEqual([])
    await environment.advance('30m')
    expect(omar!.inbox).toMatchObject([{ kind: 'task.question', taskId: other!.id }])
    await expect(hana!.answer(other!.id, 'yes')).rejects.toMatchObject({ code: 'permission_denied' })
    await omar!.answer(other!.id, 'no')
    expect((await tracker.whenEnded(other!.id)).result).toEqual({ decision: 'no' })
  })

  it('of one handler for each kind, and of a review that sends back', async () => {
    const { crew, tracker } = await openTeam(['wren', 'rita'])
    const task = await tracker.create({ description: 'Tides', kind: 'article', input: 'tides', reviewers: ['rita'] })
    crew.as('wren').work({
      article: async (attempt) => `${attempt.task.input as string}, ${attempt.answer?.remarks ?? 'first draft'}`,
    })
    await crew.idle()
    await crew.as('rita').review(task.id, { passed: false, remarks: 'shorter' })
    await crew.idle()
    await crew.as('rita').review(task.id, { passed: true })
    const done = await tracker.whenEnded(task.id)
    expect(done).toMatchObject({ status: 'completed', result: 'tides, shorter' })
    expect(done.answers.map(({ passed }) => passed)).toEqual([false, true])
  })

  it('of two processes, one of which dies', async () => {
    const environment = manualEnvironment()
    const storage = new MemoryStorage()
    const [a, b] = (await Promise.all(
      [1, 2].map(() => openCrew({ name: 'shop', storage, environment, onError: () => undefined })),
    )) as [Crew, Crew]
    const ana = await a.join('ana', { capacity: 10 })
    await b.join('bo', { capacity: 10 })
    await b.tracker.createMany(Array.from({ length: 100 }, (_, n) => ({ description: `Order ${n}` })))
    const events = recordEvents(b)
    await a.sync()
    let served = 0
    ana.work(() => (++served > 20 ? new Promise(() => undefined) : 'by ana'))
    await environment.settle()
    await crash(a)
    b.as('bo').work(() => 'by bo')
    await environment.advance('3m')
    expect(new Set(events.of('completed').map((event) => event.task.id)).size).toBe(100)
    expect(b.tracker.count({ status: 'completed' })).toBe(100)
    expect(b.tracker.list().filter(({ attempts }) => attempts.some(({ outcome }) => outcome === 'lost'))).toHaveLength(
      10,
    )
  })
})
