import { describe, expect, it } from 'vitest'
import { MemoryStorage, openCrew } from 'crewlog'
import { openTeam } from '../../support/team.js'

const HOUR = 3_600_000

describe('a mailbox', () => {
  it('has room again for its own expired messages, and for those of nobody else', async () => {
    const { crew, environment } = await openTeam(['ana', 'bo', 'cy'], { limits: { mailbox: 1 } })
    const ana = crew.as('ana')
    await ana.send('cy', 'soon over', { expiresAt: environment.now() + 1000 })
    await ana.send('bo', 'stays')
    // The clock is there, but no timer has told so yet.
    environment.setWallClock(environment.now() + 2000)
    await expect(ana.send('bo', 'too much')).rejects.toMatchObject({ code: 'backpressure' })
    expect((await ana.send('cy', 'fits')).recipients).toEqual(['cy'])
  })

  it('does not count notices as written by who causes them', async () => {
    const { crew, tracker } = await openTeam(['ana', 'bo', 'cy'], { limits: { pairRate: 2 } })
    await crew.as('ana').send('cy', 'The minute begins')
    for (const id of ['one', 'two', 'three']) {
      await tracker.create({ id, description: id })
      await tracker.assign(id, 'bo', { by: 'ana' })
    }
    expect(crew.as('bo').inbox).toHaveLength(3)
    await crew.as('ana').send('bo', 'first')
    await crew.as('ana').send('bo', 'second')
    await expect(crew.as('ana').send('bo', 'third')).rejects.toMatchObject({ code: 'backpressure' })
  })

  it('keeps the key of a message that somebody has before them, however long', async () => {
    const { crew, environment } = await openTeam()
    const send = () => crew.as('ana').send('bo', 'Read this', { idempotencyKey: 'k' })
    const sent = await send()
    await crew.as('bo').receive()
    await environment.advance(30 * HOUR)
    expect((await send()).id).toBe(sent.id)
    expect(crew.communications.messages()).toHaveLength(1)
  })

  it('knows its dead and its leases after opening from a checkpoint', async () => {
    const storage = new MemoryStorage()
    const { crew, environment } = await openTeam(['ana', 'bo'], { storage, limits: { deliveries: 1 } })
    await crew.as('ana').send('bo', 'dead')
    const [delivery] = await crew.as('bo').receive()
    await crew.as('bo').giveBack(delivery!, { reason: 'cannot read it' })
    await crew.as('ana').send('bo', 'leased')
    await crew.as('bo').receive()
    await crew.checkpoint()
    const later = await openCrew({ storage, environment })
    expect(later.reports.generate('health').data.findings).toMatchObject([{ kind: 'dead', member: 'bo' }])
    expect(later.communications.deliveries(later.as('bo').inbox[0]?.id ?? '')).toMatchObject([{ state: 'leased' }])
    expect(await later.as('bo').receive()).toEqual([])
    // Its holder is gone for good, so that the lease runs out.
    await crew.close()
    await environment.advance(2 * 60_000)
    expect(await later.as('bo').receive()).toMatchObject([{ message: { content: 'leased' } }])
  })
})
