import { CrewError, MemoryStorage } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openBoard, refusal } from '../support/board.js'
import { openTeam } from '../support/team.js'

describe('a text of others', () => {
  it.each(['%', '_', '"', "'", '\\', '*', '.*', '[', 'tide" OR 1=1 --', 'NEAR/2', '(', '${1}'])(
    'is looked for as it is: %s (IN-09)',
    async (text) => {
      const { tracker, communications } = await openTeam()
      await tracker.create({ id: 'with', description: `before ${text} after` })
      await tracker.create({ id: 'without', description: 'nothing of it' })
      await communications.send({ sender: 'ana', recipient: 'bo', content: `before ${text} after` })
      await communications.send({ sender: 'ana', recipient: 'bo', content: 'nothing of it' })
      expect(tracker.list({ text }).map(({ id }) => id)).toEqual(['with'])
      expect(communications.messages({ text })).toHaveLength(1)
    },
  )

  it.each(['*', '**/*', '{a,b}', 'a|b', '(a+)+$', '?'])('is no pattern of topics: %s (IN-06)', async (topic) => {
    const { crew } = await openTeam()
    expect(await refusal(crew.as('ana').follow(topic))).toMatchObject({ code: 'invalid_input' })
    expect(await refusal(crew.as('ana').publish(topic, 'hi'))).toMatchObject({ code: 'invalid_input' })
  })

  it('is data when it is read again, whatever class it claims to be of (SEC-09)', async () => {
    const storage = new MemoryStorage()
    const environment = manualEnvironment()
    const envelope = {
      lc: 1,
      type: 'constructor',
      id: ['fs'],
      kwargs: { constructor: { name: 'Function' } },
      $type: 'Map',
    }
    const before = await openBoard({ storage, environment })
    await before.tracker.create({ id: 'a', description: 'x', input: envelope })
    const after = await openBoard({ storage, environment })
    const input = after.tracker.get('a')?.input as object
    expect(input).toEqual(envelope)
    expect(Object.getPrototypeOf(input)).toBe(Object.prototype)
  })

  it('is not repeated by a refusal, which names ids and numbers (SEC-11)', async () => {
    const secret = 'sk-live-0123456789'
    const { crew, tracker, communications } = await openTeam(['ana'], { limits: { payloadBytes: 200 } })
    await tracker.create({ id: 'a', description: secret, input: { token: secret } })
    const refusals = await Promise.all([
      refusal(tracker.create({ id: 'a', description: secret })),
      refusal(tracker.create({ description: 'x', input: { token: secret.repeat(20) } })),
      refusal(tracker.complete('a', { result: { token: secret } })),
      refusal(communications.send({ sender: 'ana', recipient: 'nobody', content: secret })),
      refusal(crew.as('ana').send('ana', secret.repeat(20))),
    ])
    for (const { message, details } of refusals) expect(message + JSON.stringify(details)).not.toContain('sk-live')
    expect(refusals.every((error) => CrewError.is(error))).toBe(true)
  })
})
