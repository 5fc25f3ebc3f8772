import { beforeEach, describe, expect, it } from 'vitest'
import { type Crew, CrewError, type Member, openCrew } from 'crewlog'
import { manualEnvironment, type ManualEnvironment } from 'crewlog/testing'

let environment: ManualEnvironment
let crew: Crew
let ana: Member
let bo: Member

beforeEach(async () => {
  environment = manualEnvironment()
  crew = await openCrew({ environment, limits: { pairRate: 20, hops: 8 } })
  ana = await crew.join('ana')
  bo = await crew.join('bo')
  await crew.join('cy')
})

const findings = (kind: string) =>
  crew.reports.generate('health').data.findings.filter((finding) => finding.kind === kind)

describe('what goes round in circles, in the health report', () => {
  it('is who says the same to another five times within an hour, whatever is counted in it', async () => {
    for (let nth = 1; nth <= 4; nth++) await ana.send('bo', `Try  ${nth} failed`)
    expect(findings('echo')).toEqual([])
    await ana.send('bo', 'try 17 FAILED')
    expect(findings('echo')).toMatchObject([{ member: 'ana', text: expect.stringContaining('5 times') as string }])
  })

  it('is not who says it to different members, says different things, or said it long ago', async () => {
    for (const to of ['bo', 'cy']) for (let nth = 0; nth < 3; nth++) await ana.send(to, 'Hello')
    for (const text of ['a', 'b', 'c', 'd', 'e', 'f']) await ana.send('cy', text)
    for (let nth = 0; nth < 4; nth++) await bo.send('ana', 'Ping')
    await environment.advance(3_600_001)
    await bo.send('ana', 'Ping')
    expect(findings('echo')).toEqual([])
  })

  it('drops nothing', async () => {
    for (let nth = 0; nth < 8; nth++) await ana.send('bo', 'Hello')
    expect(bo.inbox).toHaveLength(8)
  })

  it('is a chain of replies at the limit, of which the next is refused to its sender', async () => {
    let last = await ana.send('bo', 'What do you think?')
    for (let nth = 0; nth < 8; nth++) last = await (nth % 2 === 0 ? bo : ana).reply(last, `Thought ${'x'.repeat(nth)}`)
    expect(findings('loop')).toMatchObject([{ member: 'ana', text: expect.stringContaining('8 replies') as string }])
    await expect(bo.reply(last, 'And you?')).rejects.toMatchObject({ code: 'loop_detected' })
  })

  it('ends a listener at the end of a chain at once: the message is dead, and kept', async () => {
    const loud = await openCrew({ environment, limits: { hops: 4 }, onError: () => undefined })
    const [dee, eli] = [await loud.join('dee'), await loud.join('eli')]
    let calls = 0
    for (const member of [dee, eli])
      member.listen(async (message) => {
        calls++
        await member.reply(message, 'Thank you')
      })
    await dee.send('eli', 'Hello')
    await loud.idle()
    expect(calls).toBe(5)
    const found = loud.reports.generate('health').data.findings.map(({ kind }) => kind)
    expect(found.sort()).toEqual(['dead', 'loop'])
  })

  it('is a pair that writes as fast as it may', async () => {
    let refused: unknown
    for (let nth = 0; refused === undefined && nth < 100; nth++) {
      await ana.send('bo', String.fromCharCode(97 + nth)).catch((error: unknown) => (refused = error))
      await environment.advance(1000)
    }
    expect(CrewError.is(refused, 'backpressure')).toBe(true)
    expect(findings('storm')).toMatchObject([{ member: 'ana', text: expect.stringContaining('bo') as string }])
  })

  it('is silent about what was said, for outsiders', async () => {
    for (let nth = 0; nth < 5; nth++) await ana.send('bo', 'the secret plan')
    expect(crew.reports.generate('health', { redact: true }).toMarkdown()).not.toContain('secret')
    expect(crew.reports.generate('health').toMarkdown()).toContain('secret')
  })
})
