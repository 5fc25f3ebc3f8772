import type { Crew, TrackRecord } from 'crewlog'
import { members } from 'crewlog/reports'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'

const START = Date.UTC(2026, 0, 1)
const MINUTE = 60_000

/** Six attempts, each of which ends otherwise. */
async function board(options = {}) {
  const team = await openTeam([], { retry: { attempts: 9, backoffMs: { base: 0, cap: 0 } }, ...options })
  const { crew, tracker, environment } = team
  await crew.join('ana', { skills: { sql: 0.9, ops: 0.5 }, capacity: 2 })
  await crew.join('bo')
  const attempt = async (by: string, taskId: string, minutes: number) => {
    const one = (await crew.as(by).claim({ taskId }))!
    await environment.advance(minutes * MINUTE)
    return one
  }
  await tracker.createMany([
    { id: 'query', description: 'Query', requires: { sql: 0.5 } },
    { id: 'deploy', description: 'Deploy', requires: { sql: 0.1, ops: 0.1 }, reviewers: ['bo'] },
    { id: 'asked', description: 'Asked' },
    { id: 'given', description: 'Given back' },
  ])
  await (await attempt('ana', 'query', 10)).fail({ error: 'no' })
  await (await attempt('ana', 'query', 20)).complete()
  await (await attempt('ana', 'deploy', 30)).complete()
  await environment.advance('1h')
  await tracker.review('deploy', { by: 'bo', passed: false })
  await (await attempt('ana', 'deploy', 40)).complete()
  await environment.advance('1h')
  await tracker.review('deploy', { by: 'bo', passed: true })
  await (await attempt('bo', 'asked', 5)).wait({ for: 'input' })
  await (await attempt('bo', 'given', 5)).release()
  return team
}

/** What strategies are told. */
async function recordsOf(crew: Crew): Promise<(member: string, skill?: string) => TrackRecord> {
  let tell: ((member: string, skill?: string) => TrackRecord) | undefined
  await crew.autoAssign({
    dryRun: true,
    strategy(view) {
      tell = (member, skill) => view.trackRecord(member, skill)
      return { assigned: [] }
    },
  })
  return tell!
}

describe('members', () => {
  it('tells how the attempts of each member went, by skill, and what was reviewed as the review did', async () => {
    const { reports } = await board()
    const { members: rows, skills } = reports.generate(members()).data
    expect(rows).toMatchObject([
      { member: 'ana', attempts: 4, completed: 2, successRate: 0.5, meanMs: 30 * MINUTE },
      { member: 'bo', attempts: 0, completed: 0, successRate: 0, meanMs: 0 },
    ])
    expect(rows[0]?.durations).toMatchObject({ count: 2, p50Ms: 20 * MINUTE, maxMs: 40 * MINUTE })
    expect(skills.map(({ durations: _, ...row }) => row)).toEqual([
      { member: 'ana', skill: 'ops', level: 0.5, attempts: 2, completed: 1, successRate: 0.5, meanMs: 40 * MINUTE },
      { member: 'ana', skill: 'sql', level: 0.9, attempts: 4, completed: 2, successRate: 0.5, meanMs: 30 * MINUTE },
    ])
  })

  it('tells what strategies are told, also of tasks that are forgotten', async () => {
    const { reports, crew, environment, tracker } = await board({ retention: { afterMs: MINUTE } })
    await environment.advance('10m')
    expect(tracker.get('query')).toBeUndefined()
    const record = await recordsOf(crew)
    const { members: rows, skills, uncounted } = reports.generate(members()).data
    expect(uncounted).toBeGreaterThan(0)
    for (const row of [...rows.map((one) => ({ ...one, skill: undefined })), ...skills]) {
      const { finished, successRate, meanMs } = record(row.member, row.skill)
      expect(row).toMatchObject({ attempts: finished, successRate, meanMs })
    }
    expect(rows[0]).toMatchObject({ attempts: 4, durations: { count: 2 - uncounted } })
  })

  it('is of what became known in the window', async () => {
    const { reports } = await board()
    const attempts = (options: object) => reports.generate(members(), options).data.members[0]?.attempts
    // Handed in after an hour, and reviewed an hour later.
    expect(attempts({ to: START + 100 * MINUTE })).toBe(2)
    expect(attempts({ from: START + 100 * MINUTE, to: START + 130 * MINUTE })).toBe(1)
    expect(attempts({ from: START + 130 * MINUTE })).toBe(1)
    expect(attempts({ filter: { status: 'completed', text: 'Deploy' } })).toBe(2)
  })

  it('is tables and a picture', async () => {
    const { reports } = await board()
    const report = reports.generate(members())
    const lines = report.toMarkdown().split('\n')
    expect(lines).toContain('| ana | 4 | 2 | 50 % | 30 min | 20 min | 40 min |')
    expect(lines).toContain('| bo | 0 | 0 |  |  |  |  |')
    expect(lines).toContain('| ana | ops | 0.5 | 2 | 1 | 50 % | 40 min | 40 min | 40 min |')
    expect(lines).toContain('Of 4 attempts 2 completed their task (50 %).')
    expect(report.toCSV('By skill').split('\r\n')[1]).toBe('"ana","ops",0.5,2,1,0.5,2400000,2400000,2400000')
    expect(report.toSVG()).toContain('ana, not completed: 2')
    const { reports: empty } = await openTeam()
    expect(empty.generate(members()).toMarkdown()).toContain('No attempt has ended.')
  })
})
