import { leastLoaded, MemoryStorage, openCrew, type Strategy, type TrackRecord } from 'crewlog'
import { crash, manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { claim, named } from '../support/board.js'
import { openTeam } from '../support/team.js'

type Team = Pick<Awaited<ReturnType<typeof openTeam>>, 'tracker'>

const MINUTE = 60_000

/** What a strategy would be told. */
async function recordOf({ tracker }: Team, member: string, skill?: string): Promise<TrackRecord | undefined> {
  let told: TrackRecord | undefined
  const asking: Strategy = (view) => {
    told = view.trackRecord(member, skill)
    return { assigned: [] }
  }
  await tracker.autoAssign({ strategy: asking, dryRun: true })
  return told
}

const NOTHING = { finished: 0, successRate: 0, meanMs: 0 }

describe('the track record of a member', () => {
  it('counts attempts that completed, failed, ran out of time or were lost, and how long the completed ones took', async () => {
    const team = await openTeam(['ana', 'bo'])
    const { tracker, environment } = team
    const begin = async (id: string, more = {}) => {
      await tracker.create(named(id, { retry: { attempts: 1 }, ...more }))
      return claim(tracker, 'ana', { taskId: id })
    }
    expect(await recordOf(team, 'ana')).toEqual(NOTHING)
    for (const minutes of [1, 3]) {
      const attempt = await begin(`well ${minutes}`)
      await environment.advance(minutes * MINUTE)
      await attempt.complete()
    }
    expect(await recordOf(team, 'ana')).toEqual({ finished: 2, successRate: 1, meanMs: 2 * MINUTE })
    await (await begin('failed')).fail({ error: 'no' })
    await begin('slow', { timeLimitMs: MINUTE })
    await environment.advance(2 * MINUTE)
    expect(await recordOf(team, 'ana')).toEqual({ finished: 4, successRate: 0.5, meanMs: 2 * MINUTE })
    expect(await recordOf(team, 'bo')).toEqual(NOTHING)
  })

  it('does not count what was given back, cancelled, or waits for an answer', async () => {
    const team = await openTeam(['ana', 'bo'])
    const { tracker } = team
    await tracker.createMany(['a', 'b', 'c'].map((id) => named(id)))
    await (await claim(tracker, 'ana', { taskId: 'a' })).release()
    await claim(tracker, 'ana', { taskId: 'b' })
    await tracker.cancel('b', { force: true })
    await (await claim(tracker, 'ana', { taskId: 'c' })).wait({ for: 'input' })
    expect(await recordOf(team, 'ana')).toEqual(NOTHING)
  })

  it('counts what is reviewed by the review', async () => {
    const team = await openTeam(['ana', 'bo'])
    const { tracker, environment } = team
    await tracker.create(named('a', { reviewers: ['bo'] }))
    const first = await claim(tracker, 'ana')
    await environment.advance(MINUTE)
    await first.complete()
    expect(await recordOf(team, 'ana')).toEqual(NOTHING)
    await tracker.review('a', { by: 'bo', passed: false, remarks: 'Shorter' })
    expect(await recordOf(team, 'ana')).toEqual({ finished: 1, successRate: 0, meanMs: 0 })
    const second = await claim(tracker, 'ana')
    await environment.advance(3 * MINUTE)
    await second.complete()
    await tracker.review('a', { by: 'bo', passed: true })
    expect(await recordOf(team, 'ana')).toEqual({ finished: 2, successRate: 0.5, meanMs: 3 * MINUTE })
  })

  it('counts a lost lease', async () => {
    const storage = new MemoryStorage()
    const environment = manualEnvironment()
    const here = await openCrew({ storage, environment })
    const there = await openCrew({ storage, environment })
    await here.join('ana')
    await here.tracker.create(named('a'))
    await here.as('ana').claim()
    await crash(here)
    await environment.advance('71s')
    expect(await recordOf(there, 'ana')).toEqual({ finished: 1, successRate: 0, meanMs: 0 })
  })

  it('is kept for each skill that the tasks required', async () => {
    const team = await openTeam([])
    const { crew, tracker, environment } = team
    await crew.join('ana', { skills: { sql: 1, prose: 1 } })
    const work = async (requires: Record<string, number>, minutes: number, isWell: boolean): Promise<void> => {
      const { id } = await tracker.create({ description: 'a', requires, retry: { attempts: 1 } })
      const attempt = await claim(tracker, 'ana', { taskId: id })
      await environment.advance(minutes * MINUTE)
      await (isWell ? attempt.complete() : attempt.fail({ error: 'no' }))
    }
    await work({ sql: 0.5 }, 1, true)
    await work({ sql: 0.5, prose: 0.1 }, 5, true)
    await work({ prose: 0.1 }, 9, false)
    await work({}, 2, true)
    expect(await recordOf(team, 'ana', 'sql')).toEqual({ finished: 2, successRate: 1, meanMs: 3 * MINUTE })
    expect(await recordOf(team, 'ana', 'prose')).toEqual({ finished: 2, successRate: 0.5, meanMs: 5 * MINUTE })
    expect(await recordOf(team, 'ana', 'python')).toEqual(NOTHING)
    expect(await recordOf(team, 'ana')).toEqual({ finished: 4, successRate: 0.75, meanMs: (8 / 3) * MINUTE })
  })

  it('outlives the tasks that are forgotten, the member that leaves, and the process, from a checkpoint too', async () => {
    const storage = new MemoryStorage()
    const environment = manualEnvironment()
    const open = () => openCrew({ storage, environment, retention: { afterMs: MINUTE } })
    const crew = await open()
    await crew.join('ana', { skills: { sql: 1 } })
    await crew.tracker.create(named('a', { requires: { sql: 0.5 } }))
    const attempt = await claim(crew.tracker, 'ana')
    await environment.advance(MINUTE)
    await attempt.complete()
    const record = { finished: 1, successRate: 1, meanMs: MINUTE }
    await environment.advance('1h')
    expect(crew.tracker.get('a')).toBeUndefined()
    expect(await recordOf(crew, 'ana', 'sql')).toEqual(record)
    const replayed = await open()
    expect(await recordOf(replayed, 'ana', 'sql')).toEqual(record)
    await crew.checkpoint()
    await storage.trim('crew', (crew.journal.head?.seq ?? 1) - 1)
    const reopened = await open()
    expect(await recordOf(reopened, 'ana', 'sql')).toEqual(record)
    expect(await recordOf(reopened, 'ana')).toEqual(record)
    await reopened.leave('ana')
    await reopened.join('ana', { skills: { sql: 1 } })
    expect(await recordOf(reopened, 'ana', 'sql')).toEqual(record)
  })
})

it('a strategy sees records of the time when it is asked, and not later ones', async () => {
  const team = await openTeam(['ana'])
  const { tracker } = team
  await tracker.createMany([named('a'), named('b')])
  let later: (() => TrackRecord) | undefined
  const strategy: Strategy = (view) => {
    later = () => view.trackRecord('ana')
    return leastLoaded()(view)
  }
  await tracker.autoAssign({ strategy })
  await (await claim(tracker, 'ana')).complete()
  expect(later?.()).toEqual(NOTHING)
})
