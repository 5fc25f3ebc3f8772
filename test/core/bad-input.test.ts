import { beforeEach, describe, expect, it } from 'vitest'
import { type Crew, CrewError, type CrewErrorCode, Message, openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { stateOf } from '../support/crew-state.js'

let crew: Crew

beforeEach(async () => {
  crew = await openCrew({ environment: manualEnvironment(), onError: () => undefined })
  await crew.join('ana')
  await crew.join('bo')
  await crew.tracker.createMany([
    { id: 'first', description: 'First' },
    { id: 'second', description: 'Second', dependsOn: ['first'] },
  ])
})

const cyclic: Record<string, unknown> = {}
cyclic['self'] = cyclic
const polluted = (): never => JSON.parse('{"a": {"__proto__": {"polluted": true}}}') as never
const anything = (value: unknown): never => value as never

type Case = readonly [name: string, code: CrewErrorCode, says: RegExp, call: (crew: Crew) => unknown]

const cases: readonly Case[] = [
  ['a task without a description', 'invalid_input', /description is missing/, (c) => c.tracker.create(anything({}))],
  ['an empty description', 'invalid_input', /not empty/, (c) => c.tracker.create({ description: '' })],
  [
    'an unknown field',
    'invalid_input',
    /no field "desc"; it has description/,
    (c) => c.tracker.create(anything({ desc: 'x' })),
  ],
  [
    'a number for an id',
    'invalid_input',
    /id must be an id/,
    (c) => c.tracker.create({ description: 'x', id: anything(2) }),
  ],
  ['an empty id (IN-08)', 'invalid_input', /must be an id/, (c) => c.tracker.create({ description: 'x', id: '' })],
  [
    'an id with a line break (IN-08)',
    'invalid_input',
    /must be an id/,
    (c) => c.tracker.create({ description: 'x', id: 'a\nb' }),
  ],
  [
    'an id with U+0000 (IN-08)',
    'invalid_input',
    /must be an id/,
    (c) => c.tracker.create({ description: 'x', id: 'a\0' }),
  ],
  ['an id with letters that look alike (IN-13)', 'invalid_input', /must be an id/, (c) => c.join('аna')],
  ['an id of 129 characters (IN-08)', 'invalid_input', /1–128/, (c) => c.join('x'.repeat(129))],
  [
    'a priority of NaN (IN-11)',
    'invalid_input',
    /priority must be a finite number, not NaN/,
    (c) => c.tracker.create({ description: 'x', priority: NaN }),
  ],
  [
    'a priority as text (IN-11)',
    'invalid_input',
    /priority must be a finite number/,
    (c) => c.tracker.create({ description: 'x', priority: anything('5') }),
  ],
  [
    'a date without a zone',
    'invalid_input',
    /ISO 8601 with time and zone/,
    (c) => c.tracker.create({ description: 'x', dueAt: '2026-12-01T12:00:00' }),
  ],
  [
    'a date without a time',
    'invalid_input',
    /ISO 8601/,
    (c) => c.tracker.create({ description: 'x', dueAt: '2026-12-01' }),
  ],
  [
    '30 February',
    'invalid_input',
    /ISO 8601/,
    (c) => c.tracker.create({ description: 'x', failAt: '2026-02-30T12:00:00Z' }),
  ],
  [
    'an invalid Date',
    'invalid_input',
    /dueAt must be a Date/,
    (c) => c.tracker.create({ description: 'x', dueAt: new Date(NaN) }),
  ],
  [
    'an endless time',
    'invalid_input',
    /notBefore must be/,
    (c) => c.tracker.create({ description: 'x', notBefore: Infinity }),
  ],
  [
    'a negative time limit',
    'invalid_input',
    /timeLimitMs must be a finite number from 1/,
    (c) => c.tracker.create({ description: 'x', timeLimitMs: -1 }),
  ],
  [
    'a lease of 1 ms (TM-06)',
    'invalid_input',
    /leaseMs must be a finite number from 1000/,
    (c) => c.tracker.claim('ana', { leaseMs: 1 }),
  ],
  [
    'an endless lease',
    'invalid_input',
    /leaseMs must be/,
    (c) => c.communications.receive('ana', { leaseMs: Infinity }),
  ],
  ['a negative time-out', 'invalid_input', /timeoutMs must be/, (c) => c.tracker.whenEnded('first', { timeoutMs: -5 })],
  ['a time-out of NaN', 'invalid_input', /timeoutMs must be/, (c) => c.journal.sync({ timeoutMs: NaN })],
  ['a signal that is none', 'invalid_input', /AbortSignal/, (c) => c.idle({ signal: anything({}) })],
  [
    'a fence as text (CL-28)',
    'invalid_input',
    /fence must be a whole number/,
    (c) => c.tracker.complete('first', { fence: anything('3') }),
  ],
  [
    'a limit that is no whole number',
    'invalid_input',
    /limit must be a whole number/,
    (c) => c.tracker.list({ limit: 1.5 }),
  ],
  [
    'a cyclic input (IN-02)',
    'invalid_input',
    /input must be plain JSON: it contains itself/,
    (c) => c.tracker.create({ description: 'x', input: anything(cyclic) }),
  ],
  [
    'a BigInt in metadata (SA-11)',
    'invalid_input',
    /it holds a bigint/,
    (c) => c.tracker.create({ description: 'x', metadata: { n: anything(1n) } }),
  ],
  [
    'NaN in a message (SA-11)',
    'invalid_input',
    /NaN is not a JSON number/,
    (c) => c.communications.send({ sender: 'ana', recipient: 'bo', content: { n: NaN } }),
  ],
  [
    'a function in a message',
    'invalid_input',
    /it holds a function/,
    (c) => c.communications.send({ sender: 'ana', recipient: 'bo', content: anything(() => 1) }),
  ],
  [
    'an instance of a class',
    'invalid_input',
    /pass its data/,
    (c) => c.communications.send({ sender: 'ana', recipient: 'bo', content: anything(new Map()) }),
  ],
  [
    'the key __proto__',
    'invalid_input',
    /__proto__ is not allowed/,
    (c) => c.tracker.create({ description: 'x', input: polluted() }),
  ],
  [
    'a payload over 256 KiB (IN-05)',
    'limit_exceeded',
    /over 262144 bytes; store it elsewhere/,
    (c) => c.tracker.create({ description: 'x', input: 'x'.repeat(262_145) }),
  ],
  [
    'a payload of 33 levels (IN-05)',
    'limit_exceeded',
    /deeper than 32 levels; flatten it/,
    (c) =>
      c.tracker.create({ description: 'x', input: Array.from({ length: 33 }).reduce((inner) => [inner], 1) as never }),
  ],
  [
    '1,001 recipients (IN-05)',
    'limit_exceeded',
    /recipient/,
    (c) =>
      c.communications.send({
        sender: 'ana',
        recipient: Array.from({ length: 1001 }, (_, n) => `m${String(n)}`),
        content: 'x',
      }),
  ],
  [
    '1,001 dependencies (IN-05)',
    'limit_exceeded',
    /dependsOn/,
    (c) => c.tracker.create({ description: 'x', dependsOn: Array.from({ length: 1001 }, (_, n) => `t${String(n)}`) }),
  ],
  [
    'no recipients (MS-27)',
    'invalid_input',
    /name at least one recipient/,
    (c) => c.communications.send({ sender: 'ana', recipient: [], content: 'x' }),
  ],
  [
    'an unknown recipient',
    'not_found',
    /Member not found: cy/,
    (c) => c.communications.send({ sender: 'ana', recipient: 'cy', content: 'x' }),
  ],
  ['an unknown task', 'not_found', /Task not found: 2/, (c) => c.tracker.start('2', { by: 'ana' })],
  [
    'an unknown dependency',
    'not_found',
    /Task not found: 2/,
    (c) => c.tracker.create({ description: 'x', dependsOn: ['2'] }),
  ],
  [
    'an unknown parent (DG-15)',
    'not_found',
    /Task not found: 2/,
    (c) => c.tracker.createMany([{ description: 'x' }, { description: 'y', parentId: '2' }]),
  ],
  [
    'an unknown message',
    'not_found',
    /Message not found: 2/,
    (c) => c.communications.reply('2', { sender: 'ana', content: 'x' }),
  ],
  [
    'an unknown delivery (MS-03)',
    'not_found',
    /Delivery to ana of message not found: 2/,
    (c) => c.communications.acknowledge({ messageId: '2', recipient: 'ana', count: 1 }),
  ],
  [
    "another's delivery (SEC-04)",
    'permission_denied',
    /settles only its own/,
    (c) => c.as('ana').acknowledge({ messageId: '2', recipient: 'bo', count: 1 }),
  ],
  [
    'an id that is taken',
    'already_exists',
    /leave the id out/,
    (c) => c.tracker.create({ id: 'first', description: 'x' }),
  ],
  [
    'a cycle (DG-04)',
    'dependency_cycle',
    /first → second → first; leave one of these edges out/,
    (c) => c.tracker.addDependency('first', 'second'),
  ],
  [
    'a status by update (TL-22)',
    'invalid_input',
    /no field "status"/,
    (c) => c.tracker.update('first', anything({ status: 'completed' })),
  ],
  [
    'a filter that is quietly empty (SEC-02)',
    'invalid_input',
    /assignee is undefined; leave it out/,
    (c) => c.tracker.list(anything({ assignee: undefined })),
  ],
  [
    'an unknown key of a filter (SA-13)',
    'invalid_input',
    /no field "asignee"/,
    (c) => c.tracker.list(anything({ asignee: 'ana' })),
  ],
  [
    'options that name an argument again',
    'invalid_input',
    /no field to: it is an argument/,
    (c) => c.tracker.assign('first', 'ana', anything({ to: 'bo' })),
  ],
  [
    'options that are a number',
    'invalid_input',
    /options must be an object, not 5/,
    (c) => c.tracker.assign('first', 'ana', anything(5)),
  ],
  [
    'a report that does not exist',
    'invalid_input',
    /there are summary, workload, health/,
    (c) => c.reports.generate(anything('velocity')),
  ],
  ['an event without a name', 'invalid_input', /named by a text/, (c) => c.on(anything(undefined), () => undefined)],
  ['a listener that is none', 'invalid_input', /must be a function/, (c) => c.on('task.created', anything('x'))],
  ['a handler that is none', 'invalid_input', /functions by kind/, (c) => c.as('ana').work(anything(undefined))],
]

describe('bad input', () => {
  it.each(cases)('%s is %s, says what to do, and changes nothing', async (_, code, says, call) => {
    const before = stateOf(crew)
    const { head } = crew.journal
    const error = await Promise.resolve()
      .then(() => call(crew))
      .then(
        () => undefined,
        (reason: unknown) => reason,
      )

    expect(CrewError.is(error, code), String(error)).toBe(true)
    expect((error as CrewError).message).toMatch(says)
    expect(crew.journal.head).toBe(head)
    expect(stateOf(crew)).toEqual(before)
  })

  it('has no effect on the prototype of objects, whatever its keys are', async () => {
    await crew.tracker.create({ description: 'x', metadata: { constructor: { prototype: { polluted: true } } } })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('is refused as a whole: nothing of a batch is kept when one draft is bad', async () => {
    await expect(crew.tracker.createMany([{ description: 'x' }, anything({})])).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('drafts[1]') as string,
    })
    expect(crew.tracker.count()).toBe(2)
  })

  it('takes ids that look like nothing', async () => {
    await crew.tracker.createMany([
      { id: '0', description: 'x' },
      { id: 'false', description: 'y', dependsOn: ['0'] },
    ])
    expect(crew.tracker.dependencies('false').map(({ id }) => id)).toEqual(['0'])
  })
})

it('a message refuses what it cannot mean as soon as it is made', () => {
  expect(() => new Message(anything({ sender: 'ana', recipient: 'bo' }))).toThrow(/content is missing/)
  expect(() => new Message({ sender: 'ana', recipient: 'bo', content: 'x' }).with(anything(5))).toThrow(
    /must be an object/,
  )
})
