import { type CanSee, type Crew, Message, Task } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { refusal } from '../../support/board.js'
import { openTeam } from '../../support/team.js'

/** Everybody sees what is not labelled; what is labelled secret, and what is said of it, only bo sees. */
const secretsAreForBo =
  (crew: () => Crew): CanSee =>
  (member, entity) => {
    const task = entity instanceof Task ? entity : crew().tracker.get(entity.taskId ?? '')
    return member === 'bo' || !task?.labels.includes('secret')
  }

async function openWithSecrets() {
  const team = await openTeam(['ana', 'bo'], {
    canSee: (member, entity) => secretsAreForBo(() => team.crew)(member, entity),
  })
  const { crew, tracker } = team
  await tracker.createMany([
    { id: 'open', description: 'Open' },
    { id: 'secret', description: 'Secret', labels: ['secret'], priority: 9 },
  ])
  return { ...team, ana: crew.as('ana'), bo: crew.as('bo') }
}

describe('what a member cannot see', () => {
  it('is not in what its handle reads, and is in that of others (SEC-13)', async () => {
    const { tracker, ana, bo } = await openWithSecrets()
    await tracker.assign('secret', ['ana', 'bo'])
    const ids = (tasks: readonly { readonly id?: string }[]) => tasks.map(({ id }) => id)
    expect([ids(ana.list()), ids(bo.list())]).toEqual([['open'], ['open', 'secret']])
    expect([ids(ana.tasks), ids(bo.tasks)]).toEqual([[], ['secret']])
    expect([ana.task('secret'), bo.task('secret')?.id]).toEqual([undefined, 'secret'])
    expect(ids(ana.list({ limit: 5, orderBy: 'priority' }))).toEqual(['open'])
    expect(() => ana.list({ after: 'secret' })).toThrow('Task not found: secret')
    expect(() => ana.list({ after: 'none' })).toThrow('Task not found: none')
    // The notice of the assignment is about the secret.
    expect([ana.inbox, bo.inbox.length]).toEqual([[], 1])
    expect([ana.thread({ taskId: 'secret' }).length, bo.thread({ taskId: 'secret' }).length]).toEqual([0, 1])
    expect([ana.messages().length, bo.messages().length]).toEqual([0, 1])
    expect(ana.thread({ taskId: 'secret' }).toMarkdown()).toBe('')
  })

  it('is refused like what does not exist, word for word (DG-22, SEC-04)', async () => {
    const { tracker, communications, ana, bo } = await openWithSecrets()
    const { id: messageId = '' } = await bo.send('bo', 'About it', { taskId: 'secret' })
    const attempts = (task: string, message: string) => [
      ana.claim({ taskId: task }),
      ana.answer(task, 'x'),
      ana.review(task, { passed: true }),
      ana.comment(task, 'x'),
      ana.send('bo', 'x', { taskId: task }),
      ana.send('bo', 'x', { replyTo: message }),
      ana.reply(message, 'x'),
      tracker.update(task, { priority: 1 }, { by: 'ana' }),
      tracker.assign(task, 'ana', { by: 'ana' }),
      tracker.start(task, { by: 'ana' }),
      tracker.cancel(task, { by: 'ana' }),
      tracker.retry(task, { by: 'ana' }),
      tracker.addDependency(task, 'open', { by: 'ana' }),
      tracker.addDependency('open', task, { by: 'ana' }),
      tracker.removeDependency(task, 'open', { by: 'ana' }),
      tracker.create({ description: 'x', dependsOn: [task] }, { by: 'ana' }),
      tracker.create({ description: 'x', parentId: task }, { by: 'ana' }),
      tracker.create({ description: 'x', supersedes: task }, { by: 'ana' }),
      tracker.createMany([{ description: 'x' }, { description: 'x', dependsOn: [task] }], { by: 'ana' }),
    ]
    const say = async (calls: readonly Promise<unknown>[]) =>
      Promise.all(
        calls.map(async (call) => refusal(call).then(({ code, message, details }) => [code, message, details])),
      )
    const unseen = await say(attempts('secret', messageId))
    const missing = await say(attempts('nothing', 'nothing'))
    expect(JSON.stringify(unseen).replaceAll('secret', 'nothing').replaceAll(messageId, 'nothing')).toBe(
      JSON.stringify(missing),
    )
    expect(unseen.every(([code]) => code === 'not_found')).toBe(true)
    expect(tracker.get('secret')!.version).toBe(1)
    expect(communications.inbox('bo')).toHaveLength(1)
  })

  it('is not claimed, nor waited for in vain by a loop', async () => {
    const { crew, tracker, ana, environment } = await openWithSecrets()
    expect((await ana.claim())!.task.id).toBe('open')
    await crew.join('ana', { capacity: 2 })
    expect(await ana.claim()).toBeUndefined()
    const done: string[] = []
    ana.work(({ task }) => done.push(task.id))
    await crew.idle()
    await tracker.create({ id: 'late', description: 'x', priority: -1 })
    await environment.settle()
    expect(done).toEqual(['late'])
  })

  it('is found behind what is not seen, in the order of claiming (CL-19)', async () => {
    const { tracker, ana } = await openWithSecrets()
    await tracker.createMany(
      Array.from({ length: 60 }, (_, at) => ({
        id: `t${at}`,
        description: 'x',
        priority: (at * 7) % 60,
        labels: at % 3 === 0 ? [] : ['secret'],
        ...(at % 2 === 0 && { requires: {} }),
      })),
    )
    const seen = ana.list({ ready: true, orderBy: 'priority' }).map(({ id }) => id)
    const claimed: string[] = []
    for (let attempt = await ana.claim(); attempt; attempt = await ana.claim()) {
      claimed.push(attempt.task.id)
      await attempt.complete()
    }
    expect(claimed).toEqual(seen)
  })

  it('waits in the mailbox until it is seen (MS-26)', async () => {
    const { tracker, communications, crew, ana, bo } = await openWithSecrets()
    await bo.send('ana', 'About it', { taskId: 'secret' })
    await bo.send('ana', 'Hello')
    expect(ana.inbox.map(({ content }) => content)).toEqual(['Hello'])
    expect(communications.unread('ana')).toBe(1)
    const [hello] = await ana.receive()
    await ana.acknowledge(hello!)
    expect(await ana.receive()).toEqual([])
    await crew.idle()
    await tracker.update('secret', { labels: [] })
    expect((await ana.receive()).map(({ message }) => message.content)).toEqual(['About it'])
  })

  it('is still written by the attempt that holds it: its fence is the right', async () => {
    const { tracker, ana } = await openWithSecrets()
    const attempt = (await ana.claim({ taskId: 'open' }))!
    await tracker.update('open', { labels: ['secret'] })
    expect(ana.task('open')).toBeUndefined()
    expect((await attempt.complete()).status).toBe('completed')
  })

  it('may be made and named together by who cannot see it', async () => {
    const { tracker } = await openWithSecrets()
    const drafts = [
      { id: 'a', description: 'a', labels: ['secret'] },
      { id: 'b', description: 'b', dependsOn: ['a'] },
    ]
    expect(await tracker.createMany(drafts, { by: 'ana' })).toHaveLength(2)
  })

  it('is what the predicate fails on, or does not answer: the error is told', async () => {
    const { crew, errors } = await openTeam(['ana'], {
      canSee: (_, entity) => {
        if (entity instanceof Message) return Promise.resolve(true) as never
        throw new Error('no table')
      },
    })
    await crew.tracker.create({ id: 't', description: 'x' })
    await crew.as('ana').send('ana', 'Hi')
    expect([crew.as('ana').list(), crew.as('ana').inbox]).toEqual([[], []])
    expect(String(errors[0])).toBe('Error: no table')
    expect((await refusal(crew.as('ana').claim({ taskId: 't' }))).code).toBe('not_found')
  })
})

describe('without a predicate', () => {
  it('a member reads all tasks, and the messages that concern it or a task (MS-26)', async () => {
    const { crew, tracker } = await openTeam(['ana', 'bo', 'cy'])
    await tracker.create({ id: 't', description: 'x' })
    const { threadId = '' } = await crew.as('ana').send('bo', 'Between us')
    await crew.as('ana').send('bo', 'About the task', { taskId: 't' })
    const read = (id: string) =>
      crew
        .as(id)
        .messages()
        .map(({ content }) => content)
    expect([read('ana'), read('bo'), read('cy')]).toEqual([
      ['Between us', 'About the task'],
      ['Between us', 'About the task'],
      ['About the task'],
    ])
    expect([crew.as('bo').thread(threadId).length, crew.as('cy').thread(threadId).length]).toEqual([1, 0])
    expect(crew.as('cy').list()).toHaveLength(1)
    expect(crew.as('cy').messages({ text: 'between' })).toEqual([])
  })
})
