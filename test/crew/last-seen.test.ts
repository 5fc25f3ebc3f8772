import { MemoryStorage } from 'crewlog'
import { crash } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { openPair } from '../support/team.js'

describe('when a member was last seen', () => {
  it('is when it last did something, on every process and for one that opens later', async () => {
    const { here, there, environment, reopen } = await openPair()
    const seen = () => [here, there].map(({ members }) => members.map(({ lastSeenAt }) => lastSeenAt))
    expect(seen()[0]).toEqual([undefined, undefined])
    await environment.advance('1m')
    await here.as('ana').send('bo', 'hi')
    const sentAt = environment.now()
    await environment.advance('1m')
    await there.as('bo').comment((await there.tracker.create({ description: 'Tides' })).id, 'mine')
    await here.sync()
    expect(seen()).toEqual([
      [sentAt, environment.now()],
      [sentAt, environment.now()],
    ])
    const later = await reopen()
    expect(later.as('ana').info.lastSeenAt).toBe(sentAt)
  })

  it('goes on while it works in silence, and stands still when its process has died', async () => {
    const { here, there, environment } = await openPair()
    await here.tracker.create({ description: 'Tides' })
    await here.as('ana').claim()
    await environment.advance('1h')
    const { lastSeenAt = 0 } = there.as('ana').info
    expect(environment.now() - lastSeenAt).toBeLessThanOrEqual(20_000)
    await crash(here)
    await environment.advance('1h')
    expect(there.as('ana').info.lastSeenAt).toBe(lastSeenAt)
  })

  it('is kept by a checkpoint, and by no clock that went back', async () => {
    const storage = new MemoryStorage()
    const { here, environment, reopen } = await openPair(['ana', 'bo'], { storage })
    await here.as('ana').send('bo', 'hi')
    const sentAt = environment.now()
    environment.setWallClock(sentAt - 3_600_000)
    await here.as('ana').send('bo', 'again')
    await here.checkpoint()
    await storage.trim('crew', here.journal.head!.seq - 1)
    expect((await reopen()).as('ana').info.lastSeenAt).toBe(sentAt)
  })
})
