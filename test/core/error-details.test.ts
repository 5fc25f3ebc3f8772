import { readFileSync } from 'node:fs'
import { CrewError, type CrewErrorCode, type CrewOptions } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { claim, named, openBoard, refusal } from '../support/board.js'

type Team = Awaited<ReturnType<typeof openTasks>>

async function openTasks(options: CrewOptions = {}) {
  const board = await openBoard({ strictMembers: true, ...options })
  for (const id of ['ana', 'bo']) await board.crew.join(id)
  await board.tracker.createMany([named('a'), named('b', { dependsOn: ['a'] }), named('part', { parentId: 'b' })])
  return { ...board, ana: board.crew.as('ana'), bo: board.crew.as('bo'), mail: board.crew.communications }
}

type Case = [
  code: CrewErrorCode,
  bring: (team: Team) => Promise<unknown>,
  details: Readonly<Record<string, unknown>>,
  options?: CrewOptions,
]

const cases: readonly Case[] = [
  ['invalid_input', async ({ tracker }) => tracker.start('a'), { id: 'a' }],
  ['limit_exceeded', async ({ ana }) => ana.send('bo', 'hello'), { limit: 4 }, { limits: { payloadBytes: 4 } }],
  [
    'backpressure',
    async ({ ana }) => [await ana.send('bo', 1), await ana.send('bo', 2)],
    { sender: 'ana', recipient: 'bo', limit: 1, retryAfterMs: expect.any(Number) },
    { limits: { pairRate: 1 } },
  ],
  [
    'backpressure',
    async ({ ana }) => [await ana.send('bo', 1), await ana.send('bo', 2)],
    { recipient: 'bo', limit: 1 },
    { limits: { mailbox: 1 } },
  ],
  [
    'loop_detected',
    async ({ ana, bo }) => ana.reply(await bo.reply(await ana.send('bo', 1), 2), 3),
    { id: expect.any(String), hops: 2, limit: 1 },
    { limits: { hops: 1 } },
  ],
  ['not_found', async ({ tracker }) => tracker.start('x', { by: 'ana' }), { id: 'x' }],
  ['already_exists', async ({ tracker }) => tracker.create(named('a')), { id: 'a' }],
  [
    'permission_denied',
    async ({ ana }) => ana.claim(),
    { member: 'ana', command: 'claim' },
    { policy: (_, command) => command !== 'claim' },
  ],
  [
    'permission_denied',
    async ({ tracker, ana, bo }) => {
      await (await claim(tracker, 'ana')).wait({ for: 'input', of: 'ana' })
      await ana.answer('x', 1).catch(() => undefined)
      return bo.answer('a', 1)
    },
    { id: 'a' },
  ],
  [
    'already_claimed',
    async ({ tracker }) => [await claim(tracker, 'ana'), await tracker.start('a', { by: 'bo' })],
    { id: 'a', holder: 'ana' },
  ],
  ['not_eligible', async ({ tracker }) => tracker.start('b', { by: 'ana' }), { id: 'b', member: 'ana' }],
  ['invalid_transition', async ({ tracker }) => tracker.retry('a'), { id: 'a', status: 'pending' }],
  [
    'invalid_transition',
    async ({ tracker }) => {
      await tracker.removeDependency('b', 'a')
      return (await claim(tracker, 'ana', { taskId: 'b' })).complete()
    },
    { id: 'b', unsettled: ['part'] },
  ],
  [
    'stale_attempt',
    async ({ tracker }) => {
      const old = await claim(tracker, 'ana')
      await old.release()
      await claim(tracker, 'bo')
      return old.complete()
    },
    { id: 'a', fence: 1, current: 2 },
  ],
  [
    'stale_delivery',
    async ({ ana, bo }) => {
      await ana.send('bo', 1)
      const [delivery] = await bo.receive()
      await bo.giveBack(delivery!)
      return bo.acknowledge(delivery!)
    },
    { id: expect.any(String), recipient: 'bo', count: 1 },
  ],
  [
    'stale_version',
    async ({ tracker }) => tracker.update('a', { priority: 2 }, { version: 7 }),
    { id: 'a', version: 1 },
  ],
  [
    'idempotency_conflict',
    async ({ ana }) => [
      await ana.send('bo', 1, { idempotencyKey: 'k' }),
      await ana.send('bo', 2, { idempotencyKey: 'k' }),
    ],
    { key: 'k' },
  ],
  ['dependency_cycle', async ({ tracker }) => tracker.addDependency('a', 'b'), { path: ['a', 'b', 'a'] }],
  [
    'budget_spent',
    async ({ tracker }) => {
      await tracker.update('a', { budget: { cost: 1 } })
      return (await claim(tracker, 'ana')).progress({ usage: { cost: 2 } })
    },
    { id: 'a' },
  ],
  ['timed_out', async ({ tracker }) => tracker.whenEnded('a', { timeoutMs: 0 }), { timeoutMs: 0 }],
]

/** What errors.md says of the details of a code. */
const told = (code: string): string =>
  readFileSync('docs/errors.md', 'utf8')
    .split('## Details')[1]!
    .split('\n')
    .filter((line) => line.split('|')[1]?.includes(`\`${code}\``))
    .join()

describe('the details of an error', () => {
  it.each<Case>(cases)('%s: are ids and numbers, as errors.md says', async (code, bring, details, options) => {
    const team = await openTasks(options)
    const error = refusal(bring(team))
    await team.environment.advance(1)
    expect(CrewError.is(await error, code)).toBe(true)
    expect((await error).details).toEqual(details)
    for (const field of Object.keys(details)) expect(told(code)).toContain(`\`${field}\``)
  })
})
