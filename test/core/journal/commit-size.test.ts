import { commitText, MemoryStorage, openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { charactersRead } from '../../support/counted.js'

/** A storage that takes so many bytes at once, and the sizes of what it took. */
function small(maxCommitBytes: number) {
  const sizes: number[] = []
  const storage = Object.assign(new MemoryStorage(), { maxCommitBytes })
  const append = storage.append.bind(storage)
  storage.append = (journal, commit) => {
    sizes.push(new TextEncoder().encode(commitText(commit)).length)
    return append(journal, commit)
  }
  return { storage, sizes }
}

describe('a commit', () => {
  it('is filled as far as the storage takes it, be its texts short or long in bytes', async () => {
    const { storage, sizes } = small(20_000)
    const crew = await openCrew({
      storage,
      environment: manualEnvironment(),
      strictMembers: false,
      limits: { pairRate: 10_000 },
    })
    const sends = Array.from({ length: 200 }, (_, n) =>
      crew.communications.send({ sender: 'ana', recipient: 'bo', content: ['x', '€', 'é'][n % 3]!.repeat(n) }),
    )
    const tooBig = crew.communications.send({ sender: 'ana', recipient: 'bo', content: '€'.repeat(6600) })
    await expect(tooBig).rejects.toMatchObject({ code: 'limit_exceeded' })
    await Promise.all(sends)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(20_000)
    // Room for the envelope and one more message is all that may be left.
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(20_000 - 512 - 1000)
    expect(crew.communications.inbox('bo')).toHaveLength(200)
  })

  // Guard, taken out once: that `refuseTooMuch` in commit-wire.ts begins behind what it has measured.
  it('is not measured anew for each command in it', async () => {
    const { storage, sizes } = small(60_000)
    const crew = await openCrew({ storage, environment: manualEnvironment(), strictMembers: false })
    const content = 'x'.repeat(300)
    const send = () => crew.communications.send({ sender: 'ana', recipient: 'bo', content })
    const characters = await charactersRead(() => Promise.all(Array.from({ length: 100 }, send)))
    expect(crew.communications.unread('bo')).toBe(100)
    // As it comes in and as it is stored: twice, and not a hundred times.
    expect(characters).toBeLessThan(3 * sizes.reduce((sum, size) => sum + size, 0))
  })
})
