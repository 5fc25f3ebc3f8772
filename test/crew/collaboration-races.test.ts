import { beforeEach, describe, expect, it } from 'vitest'
import { type Attempt, type Crew, CrewError } from 'crewlog'
import { checkJournal } from 'crewlog/testing'
import { openPair } from '../support/team.js'

// What two processes do in the same moment, each before it has heard of the other. All hold by the one guard of the
// journal: a commit of a number that is taken is refused, and its commands are decided anew. Without it (`if` in
// MemoryStorage.append), eleven fail; the four others allow either order.

let here: Crew
let there: Crew
let environment: Awaited<ReturnType<typeof openPair>>['environment']
let storage: Awaited<ReturnType<typeof openPair>>['storage']

beforeEach(async () => {
  ;({ here, there, environment, storage } = await openPair(['ana', 'bo', 'cy', 'rita', 'sam']))
  await here.tracker.create({ id: 'letter', description: 'Write a letter' })
  await there.sync()
})

/** Both at once; how each ended: what it resolved to, or the code that it was rejected with. */
async function both(...calls: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const outcomes = await Promise.allSettled(calls)
  await Promise.all([here.sync(), there.sync()])
  expect(await checkJournal(storage)).toEqual([])
  expect(here.tracker.get('letter')?.toJSON()).toEqual(there.tracker.get('letter')?.toJSON())
  return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'done' : (outcome.reason as CrewError).code))
}

const begun = async (crew: Crew, member: string, taskId = 'letter'): Promise<Attempt> => {
  const attempt = await crew.as(member).claim({ taskId })
  await Promise.all([here.sync(), there.sync()])
  return attempt as Attempt
}

describe('in two processes at once', () => {
  it('two accept the same offer: one has it, the other hears who', async () => {
    const offer = await here.as('ana').offer('letter', ['bo', 'cy'])
    await there.sync()
    const outcomes = await both(here.as('bo').accept(offer), there.as('cy').accept(offer))
    expect([...outcomes].sort()).toEqual(['already_claimed', 'done'])
    expect(here.tracker.get('letter')?.attemptCount).toBe(1)
  })

  it('one member accepts twice: one attempt', async () => {
    const offer = await here.as('ana').offer('letter', 'bo')
    await there.sync()
    const outcomes = await both(here.as('bo').accept(offer), there.as('bo').accept(offer))
    expect([...outcomes].sort()).toEqual(['already_claimed', 'done'])
  })

  it('one accepts what another claims', async () => {
    const offer = await here.as('ana').offer('letter', 'bo')
    await there.sync()
    const accepted = here.as('bo').accept(offer)
    const claimed = there.as('cy').claim()
    const [first] = await both(accepted, claimed)
    const other = await claimed
    expect(first === 'done' ? other : (other?.task.holder ?? '')).toBe(first === 'done' ? undefined : 'cy')
  })

  it('one accepts what is withdrawn by an assignment', async () => {
    const offer = await here.as('ana').offer('letter', 'bo')
    await there.sync()
    const outcomes = await both(there.tracker.assign('letter', 'cy'), here.as('bo').accept(offer))
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1)
  })

  it('one accepts what another declines, each for itself', async () => {
    const offer = await here.as('ana').offer('letter', ['bo', 'cy'])
    await there.sync()
    const [accepted, declined] = await both(here.as('bo').accept(offer), there.as('cy').decline(offer, 'no time'))
    expect(accepted).toBe('done')
    expect(['done', 'already_claimed']).toContain(declined)
  })

  it('two hand the same attempt off: once', async () => {
    const attempt = await begun(here, 'ana')
    const { fence } = attempt
    const outcomes = await both(
      here.tracker.handOff('letter', 'bo', { note: 'To bo', fence }),
      there.tracker.handOff('letter', 'cy', { note: 'To cy', fence }),
    )
    expect([...outcomes].sort()).toEqual(['done', 'stale_attempt'])
    expect(here.tracker.get('letter')?.offers).toHaveLength(1)
  })

  it('two hand over to each other: each has the task of the other', async () => {
    await here.tracker.create({ id: 'poem', description: 'Write a poem' })
    await there.sync()
    const [mine, yours] = [await begun(here, 'ana'), await begun(there, 'bo', 'poem')]
    await both(here.as('ana').handOff(mine, 'bo', 'Swap'), there.as('bo').handOff(yours, 'ana', 'Swap'))
    expect((await there.as('bo').claim())?.task.id).toBe('letter')
    expect((await here.as('ana').claim())?.task.id).toBe('poem')
  })

  it('one hands off what another cancels by force', async () => {
    const attempt = await begun(here, 'ana')
    const outcomes = await both(
      there.tracker.cancel('letter', { force: true }),
      here.as('ana').handOff(attempt, 'bo', 'Take over'),
    )
    expect(outcomes).toContain('done')
    expect(here.tracker.get('letter')).toMatchObject({ status: 'cancelled', offers: [] })
    expect(here.as('bo').inbox).toEqual([])
  })

  it('two answer the same question: one counts', async () => {
    const attempt = await begun(here, 'ana')
    await attempt.wait({ for: 'input', question: 'Whom?', of: ['rita', 'sam'] })
    await there.sync()
    const outcomes = await both(here.as('rita').answer('letter', 'Dee'), there.as('sam').answer('letter', 'Eli'))
    expect([...outcomes].sort()).toEqual(['done', 'invalid_transition'])
    expect(here.tracker.get('letter')?.answers).toHaveLength(1)
  })

  it('an answer comes as the question passes to another: one of the two holds', async () => {
    const attempt = await begun(here, 'ana')
    await attempt.wait({ for: 'input', of: 'rita', withinMs: 1000, onTimeout: { ask: 'sam' } })
    await there.sync()
    await environment.advance(999)
    const answered = there.as('rita').answer('letter', 'Dee')
    await environment.advance(1)
    const [outcome] = await both(answered)
    expect(here.tracker.get('letter')).toMatchObject(
      outcome === 'done' ? { status: 'pending' } : { status: 'waiting', waitingFor: { of: ['sam'] } },
    )
  })

  it('the last two reviewers pass: the task is completed once', async () => {
    await here.tracker.update('letter', { reviewers: ['rita', 'sam'], quorum: 2 })
    await (await begun(here, 'ana')).complete({ result: 'Dear Dee' })
    await there.sync()
    const review = { passed: true }
    expect(await both(here.as('rita').review('letter', review), there.as('sam').review('letter', review))).toEqual([
      'done',
      'done',
    ])
    expect(here.tracker.get('letter')?.status).toBe('completed')
  })

  it('one passes what another sends back: the first decides, or both count', async () => {
    await here.tracker.update('letter', { reviewers: ['rita', 'sam'] })
    await (await begun(here, 'ana')).complete({ result: 'Dear Dee' })
    await there.sync()
    const outcomes = await both(
      here.as('rita').review('letter', { passed: true }),
      there.as('sam').review('letter', { passed: false, remarks: 'Again' }),
    )
    expect([...outcomes].sort()).toEqual(['done', 'invalid_transition'])
  })

  it('two ask for the only work: one gets it, the other hears why not', async () => {
    const [one, other] = await Promise.all([here.as('bo').request(), there.as('cy').request()])
    const empty = one.attempt ? other : one
    expect([one.attempt, other.attempt].filter((attempt) => attempt !== undefined)).toHaveLength(1)
    expect(empty).toMatchObject({ none: expect.any(String) as string, retryAfterMs: expect.any(Number) as number })
    await both()
  })

  it('one asks for help with what another takes away', async () => {
    const attempt = await begun(here, 'ana')
    const outcomes = await both(
      there.tracker.cancel('letter', { force: true }),
      here.as('ana').askForHelp(attempt, 'Which greeting?'),
    )
    expect(outcomes[0]).toBe('done')
    expect(['done', 'stale_attempt']).toContain(outcomes[1])
  })

  it('both comment: both are said, and counted', async () => {
    const comments = [here.as('bo').comment('letter', 'One, @ana'), there.as('cy').comment('letter', 'Two, @ana')]
    expect(await both(...comments)).toEqual(['done', 'done'])
    expect(here.tracker.get('letter')?.commentCount).toBe(2)
    expect(here.as('ana').inbox).toHaveLength(2)
  })
})
