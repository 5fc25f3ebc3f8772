import type { CrewError, Policy } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

/** A crew whose policy answers `verdict` to these commands, and counts how often it is asked about them. */
async function openGuarded(...commands: readonly string[]) {
  const guard = { verdict: 'not now' as boolean | string, asked: 0 }
  const policy: Policy = (_, command) => {
    if (!commands.includes(command)) return true
    guard.asked++
    return guard.verdict
  }
  return { ...(await openTeam(['ana', 'bo'], { policy })), guard }
}
const words = (errors: readonly unknown[]): readonly string[] => errors.map((error) => (error as CrewError).message)

describe('a loop that the policy refuses', () => {
  it.each([1, 3])('is told of once, and tries again ever more rarely, %i at a time', async (concurrency) => {
    const { crew, tracker, environment, errors, guard } = await openGuarded('claim')
    await tracker.createMany([1, 2, 3].map((at) => ({ description: `${at}` })))
    crew.as('ana').work(() => 1, { concurrency })
    await environment.advance('1h')
    expect(words(errors)).toEqual(['ana may not claim: not now'])
    // After 1, 2, 4 … 32 s, then every minute.
    expect(guard.asked).toBeLessThanOrEqual(66 * concurrency)
    expect(guard.asked).toBeGreaterThan(60)
    guard.verdict = 'not today'
    await environment.advance('1h')
    expect(words(errors)).toEqual(['ana may not claim: not now', 'ana may not claim: not today'])
  })

  it('goes on when it may, within a minute, and is told of anew when it may not any more', async () => {
    const { crew, tracker, environment, errors, guard } = await openGuarded('claim')
    await tracker.create({ id: 'a', description: 'x' })
    crew.as('ana').work(() => 1)
    await environment.advance('1h')
    guard.verdict = true
    await environment.advance('1m')
    expect(tracker.status('a')).toBe('completed')
    guard.verdict = 'not now'
    await tracker.create({ id: 'b', description: 'x' })
    await environment.settle()
    expect(words(errors)).toEqual(['ana may not claim: not now', 'ana may not claim: not now'])
    guard.verdict = true
    await environment.advance('2s')
    expect(tracker.status('b')).toBe('completed')
  })

  it('keeps neither others from the work, nor the crew from being idle, nor a stop', async () => {
    const { crew, tracker, environment, errors, guard } = await openGuarded('claim')
    await tracker.create({ id: 'a', description: 'x', assignees: 'ana' })
    const work = crew.as('ana').work(() => 1)
    await crew.idle()
    expect(errors).toHaveLength(1)
    const { asked } = guard
    await work.stop()
    await environment.advance('1h')
    expect(guard.asked).toBe(asked)
    guard.verdict = true
    crew.as('ana').work(() => 1)
    await crew.idle()
    expect(tracker.status('a')).toBe('completed')
  })

  it('may be one that listens', async () => {
    const { crew, environment, errors, guard } = await openGuarded('receive')
    const heard: unknown[] = []
    crew.as('bo').listen(({ content }) => heard.push(content))
    await crew.as('ana').send('bo', 'Hi')
    await crew.idle()
    await environment.advance('1h')
    expect(words(errors)).toEqual(['bo may not receive: not now'])
    expect(guard.asked).toBeLessThan(70)
    guard.verdict = true
    await environment.advance('1m')
    expect(heard).toEqual(['Hi'])
  })
})
