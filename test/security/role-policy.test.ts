import { rolePolicy } from 'crewlog/security'
import { describe, expect, it } from 'vitest'
import { refusal } from '../support/board.js'
import { openTeam } from '../support/team.js'

const openWithRoles = async () => {
  const team = await openTeam(['lea', 'wim', 'obi'], {
    policy: rolePolicy({ lea: 'lead', wim: 'worker', obi: 'observer' }),
  })
  const [lea, wim, obi] = ['lea', 'wim', 'obi'].map((id) => team.crew.as(id))
  return { ...team, lea: lea!, wim: wim!, obi: obi! }
}

describe('roles', () => {
  it('let a lead do everything', async () => {
    const { tracker, lea } = await openWithRoles()
    await tracker.createMany([{ id: 'a', description: 'a', assignees: 'wim' }], { by: 'lea' })
    await tracker.unassign('a', { by: 'lea' })
    await tracker.cancel('a', { by: 'lea' })
    await tracker.retry('a', { by: 'lea' })
    await lea.broadcast('Hello all')
    await (await lea.claim())!.complete()
  })

  it('let a worker work, talk and make parts, and neither give orders nor shout (SEC-07, SEC-08)', async () => {
    const { tracker, lea, wim } = await openWithRoles()
    await tracker.create({ id: 'a', description: 'a' }, { by: 'lea' })
    const attempt = (await wim.claim())!
    await tracker.create({ description: 'part', parentId: 'a' }, { by: 'wim' })
    await wim.send('lea', 'On it')
    await wim.comment('a', 'Half done, @lea')
    await wim.reply(await lea.send('wim', 'How far?'), 'Half')
    const refused = [
      wim.broadcast('Hello all'),
      tracker.create({ description: 'new' }, { by: 'wim' }),
      tracker.create({ description: 'part', parentId: 'a', assignees: 'lea' }, { by: 'wim' }),
      tracker.createMany([{ description: 'part', parentId: 'a' }, { description: 'new' }], { by: 'wim' }),
      tracker.createMany([], { by: 'wim' }),
      tracker.assign('a', 'wim', { by: 'wim' }),
      tracker.update('a', { priority: 9 }, { by: 'wim' }),
      tracker.cancel('a', { by: 'wim' }),
      tracker.addDependency('a', 'a', { by: 'wim' }),
    ]
    for (const command of refused) {
      const { code, message } = await refusal(command)
      expect([code, message]).toEqual([
        'permission_denied',
        expect.stringMatching(/that is not for a worker; ask a lead$/),
      ])
    }
    await attempt.release()
  })

  it('let an observer read, and nothing else', async () => {
    const { tracker, lea, obi } = await openWithRoles()
    await tracker.create({ id: 'a', description: 'a' }, { by: 'lea' })
    await obi.follow('news')
    await lea.publish('news', 'N')
    const [delivery] = await obi.receive()
    await obi.acknowledge(delivery!)
    expect(obi.list()).toHaveLength(1)
    for (const command of [obi.claim(), obi.send('lea', 'x'), obi.comment('a', 'x'), obi.publish('news', 'x')])
      expect((await refusal(command)).message).toMatch(/that is not for an observer; ask a worker or a lead$/)
  })

  it('are given by name: who has none may do nothing, not even join', async () => {
    const { crew } = await openWithRoles()
    const error = await refusal(crew.join('mal'))
    expect(error.message).toBe('mal may not join: mal has no role in this crew')
    const open = await openTeam(['ana'], { policy: rolePolicy({}, 'worker') })
    expect((await refusal(open.crew.as('ana').broadcast('x'))).code).toBe('permission_denied')
  })

  it.each(['constructor', 'toString', 'hasOwnProperty'])('are not found in what every object has: %s', (member) => {
    expect(rolePolicy({ ana: 'lead' })(member, 'cancel', {})).toBe(`${member} has no role in this crew`)
  })

  it('refuse a command that they do not know', () => {
    const policy = rolePolicy({ ana: 'worker', lea: 'lead' })
    expect([policy('ana', 'selfDestruct', {}), policy('lea', 'selfDestruct', {})]).toEqual([
      'that is not for a worker; ask a lead',
      true,
    ])
  })

  it.each([[{ ana: 'boss' }], [null], ['ana'], [{ 'a\nb': 'lead' }]])('are not read from %j', (roles) => {
    expect(() => rolePolicy(roles as never)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})
