import { CrewError, MemoryStorage, openCrew } from 'crewlog'
import {
  completes,
  crash,
  type ExpectedEvent,
  fails,
  given,
  manualEnvironment,
  recordEvents,
  scriptedMember,
  takes,
} from 'crewlog/testing'
import { fileStorage } from 'crewlog/storage/file'
import { describe, expect, it } from 'vitest'
import { folder, useFolder } from '../support/journal-folder.js'
import { openTeam } from '../support/team.js'

useFolder()

describe('manualEnvironment', () => {
  it('lets time pass only when told to, on both clocks', async () => {
    const environment = manualEnvironment({ now: '2026-03-01T12:00:00Z' })
    expect([environment.now(), environment.monotonic()]).toEqual([Date.UTC(2026, 2, 1, 12), 0])
    await environment.settle()
    await environment.advance('90s')
    expect([environment.now(), environment.monotonic()]).toEqual([Date.UTC(2026, 2, 1, 12, 1, 30), 90_000])
  })

  it.each<[number | string, number]>([
    [250, 250],
    ['250ms', 250],
    ['90s', 90_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['3d', 259_200_000],
    [0, 0],
  ])('reads %j', async (span, ms) => {
    const environment = manualEnvironment()
    await environment.advance(span)
    expect(environment.monotonic()).toBe(ms)
  })

  it.each(['', '1', '1 m', '-1s', '1y', 'm', NaN, -1, Infinity])('refuses %j as a span', async (span) => {
    const environment = manualEnvironment()
    await expect(environment.advance(span)).rejects.toMatchObject({ code: 'invalid_input' })
    expect(() => environment.suspend(span)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })

  it('names the units of a span that it does not know', async () => {
    await expect(manualEnvironment().advance('5 minutes')).rejects.toThrow(
      "A span must be milliseconds, or a number with its unit (ms, s, m, h, d) such as '250ms', '90s' or '1.5h', not '5 minutes'",
    )
  })

  it('runs what falls due in order, each at its time, and waits for what it started', async () => {
    const environment = manualEnvironment()
    const log: string[] = []
    const at = (name: string) => () => log.push(`${name} at ${environment.monotonic()}`)
    environment.setTimer(at('late'), 20)
    environment.setTimer(at('first'), 10)
    environment.setTimer(at('second'), 10)
    environment.setTimer(at('never'), 10)()
    environment.setTimer(() => {
      void (async () => {
        for (let n = 0; n < 50; n++) await Promise.resolve()
        log.push('settled')
        environment.setTimer(at('nested'), 3)
      })()
    }, 12)
    environment.setTimer(at('beyond'), 31)
    await environment.advance(30)
    expect(log).toEqual(['first at 10', 'second at 10', 'settled', 'nested at 15', 'late at 20'])
    await environment.advance(1)
    expect(log.at(-1)).toBe('beyond at 31')
  })

  it('repeats chance and ids with the seed', () => {
    const draw = (seed?: number) => {
      const environment = manualEnvironment(seed === undefined ? {} : { seed })
      return Array.from({ length: 5 }, () => [environment.random(), environment.id()])
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw()).toEqual(draw(1))
    expect(draw(7)).not.toEqual(draw(8))
    expect(draw(7).every(([chance]) => (chance as number) >= 0 && (chance as number) < 1)).toBe(true)
  })

  it('sets the wall clock, or lets the machine sleep, without the timers noticing', async () => {
    const environment = manualEnvironment()
    let fired = false
    environment.setTimer(() => (fired = true), 1000)
    environment.setWallClock('2027-01-01T00:00:00Z')
    environment.suspend('1d')
    await environment.settle()
    expect([environment.now(), environment.monotonic(), fired]).toEqual([Date.UTC(2027, 0, 2), 0, false])
    await environment.advance('1s')
    expect([environment.now(), fired]).toEqual([Date.UTC(2027, 0, 2) + 1000, true])
  })

  it.each([NaN, -1, Infinity])('refuses a timer of %d ms', (ms) => {
    expect(() => manualEnvironment().setTimer(() => undefined, ms)).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    )
  })
})

describe('manualEnvironment, when something goes round without time passing', () => {
  // Else the crew itself ends it after a hundred rounds.
  const endless = { limits: { rounds: 1_000_000 } }

  it('names the task and who hand it back and forth, and lets the test go on', async () => {
    const { crew, environment, tracker } = await openTeam([], endless)
    await scriptedMember(crew, 'rita', { reviews: ['no'] })
    await scriptedMember(crew, 'ana', { script: [completes('x')] })
    await tracker.create({ id: 'tides', description: 'Tides', reviewers: ['rita'], assignees: 'ana' })
    await expect(environment.advance('1s')).rejects.toMatchObject({
      code: 'loop_detected',
      message:
        "Task tides goes round without time passing: ana completes, rita sends back, 1000 times; let something take time, as takes('1s') does, or end the circle",
    })
    await environment.advance('1h')
    expect(tracker.get('tides')?.failure?.message).toMatch(/^Task tides goes round/)
  })

  it('names the task that members of any making take again and again', async () => {
    const { crew, environment, tracker } = await openTeam(['ana', 'bo'], endless)
    const [ana, bo] = [crew.as('ana'), crew.as('bo')]
    ana.work(() => 'x')
    bo.listen(async ({ kind, taskId }) => {
      if (kind === 'task.review' && taskId !== undefined) await bo.review(taskId, { passed: false })
    })
    await tracker.create({ id: 'tides', description: 'Tides', reviewers: ['bo'], assignees: 'ana' })
    await expect(environment.settle()).rejects.toMatchObject({
      code: 'loop_detected',
      message: expect.stringMatching(
        /^Task tides is attempted 1000 times without time passing, by ana; let/,
      ) as unknown,
    })
  })

  it('names a handler that fails and is tried again in the same moment, by each who works', async () => {
    const { crew, environment, tracker, errors } = await openTeam(['ana', 'bo'])
    for (const id of ['ana', 'bo'])
      crew.as(id).work(() => {
        throw new Error('overloaded')
      })
    tracker.on('failed', ({ task }) => tracker.retry(task.id))
    await tracker.create({ id: 'tides', description: 'Tides', retry: { attempts: 1 } })
    await expect(environment.advance('1s')).rejects.toMatchObject({ code: 'loop_detected' })
    expect(tracker.get('tides')?.attemptCount).toBe(1000)
    // Both wait, and look again when time has passed.
    await expect(environment.advance('2s')).rejects.toThrow(/by (ana, bo|bo, ana);/)
    expect(errors.filter((error) => CrewError.is(error, 'loop_detected')).length).toBeGreaterThan(1)
  })

  it('rejects for what makes ever new work', async () => {
    const { crew, environment, tracker } = await openTeam(['ana'])
    crew.as('ana').work(async () => {
      await tracker.create({ description: 'Another' })
    })
    await tracker.create({ description: 'First' })
    await expect(environment.settle()).rejects.toThrow('Members hand work back and forth, and no time passes')
  }, 60_000)

  it('rejects for timers without a delay', async () => {
    const environment = manualEnvironment()
    const again = (): void => {
      environment.setTimer(again, 0)
    }
    const late = environment.setTimer(again, 1000)
    await environment.advance('999ms')
    await expect(environment.advance('1ms')).rejects.toMatchObject({ code: 'loop_detected' })
    late()
  })

  it('lets go round what takes time', async () => {
    const { crew, environment, tracker } = await openTeam([])
    await scriptedMember(crew, 'rita', { reviews: ['no'], answersAfter: '1s' })
    await scriptedMember(crew, 'ana', { script: [completes('x')] })
    await tracker.create({ id: 'tides', description: 'Tides', reviewers: ['rita'], assignees: 'ana' })
    await environment.advance('20m')
    expect(tracker.get('tides')?.answers.length).toBeGreaterThan(10)
  })
})

describe('environment.run', () => {
  it('lets time pass until a promise settles, no further, and answers with it', async () => {
    const { crew, environment, tracker } = await openTeam([])
    await scriptedMember(crew, 'ana', { script: [takes('90s'), completes('done')] })
    await tracker.create({ id: 'tides', description: 'Tides' })
    const task = await environment.run(tracker.whenEnded('tides'))
    expect([task.result, environment.monotonic()]).toEqual(['done', 90_000])
    await environment.run(crew.idle())
    expect(environment.monotonic()).toBe(90_000)
  })

  it('rejects as the promise does', async () => {
    const { crew, environment } = await openTeam()
    await expect(environment.run(crew.as('ana').ask('bo', 'Why?', { timeoutMs: 5000 }))).rejects.toMatchObject({
      code: 'timed_out',
      message: expect.not.stringContaining('The promise') as unknown,
    })
    expect(environment.monotonic()).toBe(5000)
  })

  it('gives up after a while, or when nothing is due any more', async () => {
    const environment = manualEnvironment()
    const never = new Promise(() => undefined)
    await expect(environment.run(never)).rejects.toThrow('did not settle though nothing is due any more')
    const { environment: ours, tracker } = await openTeam()
    await tracker.create({ id: 'tides', description: 'Tides', failAt: ours.now() + 7_200_000 })
    await expect(ours.run(tracker.whenEnded('tides'), '1h')).rejects.toMatchObject({ code: 'timed_out' })
    await expect(environment.run(5 as never)).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

describe('chance of a manual environment', () => {
  it('can be given, so that pauses before another attempt are known', async () => {
    const environment = manualEnvironment({ random: () => 0.5 })
    const crew = await openCrew({ environment })
    await scriptedMember(crew, 'ana', { script: [fails('overloaded'), fails('overloaded'), completes()] })
    const { id } = await crew.tracker.create({ description: 'Tides' })
    await environment.run(crew.tracker.whenEnded(id))
    const starts = crew.tracker.get(id)?.attempts.map(({ startedAt }) => startedAt) ?? []
    // Half of 1 s, and half of 2 s.
    expect(starts.map((at) => at - (starts[0] ?? 0))).toEqual([0, 500, 1500])
  })

  it.each([() => 1, () => NaN, () => '0.5', 0.5])('refuses %s', (random) => {
    expect(() => manualEnvironment({ random: random as never }).random()).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    )
  })
})

describe('recordEvents', () => {
  it('keeps what is told from now on: all, of one name, and the types in order', async () => {
    const { crew, tracker } = await openTeam()
    const events = recordEvents(crew)
    await tracker.create({ id: 'tides', description: 'Tides', assignees: 'ana' })
    await crew.as('ana').claim()
    await crew.join('cy')
    expect(events.types()).toEqual(['task.created', 'message.sent', 'task.started', 'member.joined'])
    expect(events.types('task')).toEqual(['created', 'started'])
    expect(events.types('message')).toEqual(['sent'])
    expect(events.all.map(({ seq }) => seq)).toEqual([3, 3, 4, 5])
    expect(events.of('created')).toHaveLength(1)
    expect(events.of('created')).toEqual(events.of('task.created'))
    expect(events.of('started')).toMatchObject([{ attempt: { member: 'ana' } }])
    expect(events.of('message.sent')).toMatchObject([{ message: { recipient: ['ana'] } }])
    expect(events.of('member.joined')).toMatchObject([{ member: { id: 'cy' } }])
    expect(events.of('*')).toEqual(events.all)
    expect(() => events.types('tasks' as never)).toThrow(
      "kind must be one of task, message, member, session, not 'tasks'",
    )
  })

  it('keeps what is of this process only, apart from what is stored', async () => {
    const { crew, tracker, environment } = await openTeam()
    const events = recordEvents(crew)
    const now = environment.now()
    await tracker.create({ id: 'tides', description: 'Tides', dueAt: now + 1000, notBefore: now + 500 })
    await environment.advance('2s')
    expect(events.types('task')).toEqual(['created'])
    expect(events.of('ready')).toMatchObject([{ task: { id: 'tides' } }])
    expect(events.of('overdue')).toMatchObject([{ task: { id: 'tides' } }])
  })

  it('forgets by clear, and ends by stop', async () => {
    const { tracker, crew } = await openTeam()
    const events = recordEvents(crew)
    await tracker.create({ description: 'one' })
    events.clear()
    expect([events.all, events.of('created')]).toEqual([[], []])
    await tracker.create({ description: 'two' })
    events.stop()
    await tracker.create({ description: 'three' })
    expect(events.of('created').map(({ task }) => task.description)).toEqual(['two'])
  })
})

describe('given, when, then', () => {
  const aTask = given(async (crew) => {
    await crew.join('ana')
    await crew.tracker.create({ id: 'tides', description: 'Tides', assignees: 'ana' })
  })
  const started = aTask.when(({ tracker }) => tracker.start('tides'))

  it('is content with the events that follow, by the fields that are named', () =>
    started.then([{ type: 'task.started', id: 'tides', by: 'ana', changes: { holder: 'ana' } }]))

  it('can be told again and again, each time from the start', async () => {
    await started.then([{ type: 'task.started' }])
    await started.then([{ type: 'task.started' }])
  })

  it.each<[string, readonly ExpectedEvent[]]>([
    ['another type', [{ type: 'task.completed' }]],
    ['another task', [{ type: 'task.started', id: 'moon' }]],
    ['other changes', [{ type: 'task.started', changes: { holder: 'bo' } }]],
    ['one too many', [{ type: 'task.started' }, { type: 'task.started' }]],
    ['none', []],
  ])('objects to %s, and shows both lists', async (_, expected) => {
    await expect(started.then(expected)).rejects.toThrow(/Expected these events:[^]*but got:[^]*task\.started/)
  })

  it('knows a refusal, its code, and that nothing has changed', async () => {
    const completed = aTask.when(({ tracker }) => tracker.complete('tides'))
    await completed.thenRefused('invalid_transition')
    await expect(completed.thenRefused('not_found')).rejects.toThrow(
      'Expected a refusal with not_found, got invalid_transition',
    )
    await expect(started.thenRefused('not_found')).rejects.toThrow('got none')
    await expect(completed.then([])).rejects.toThrow(/the command was refused: Task tides is pending/)
  })

  it('does not take what closing gives back for an effect of the command', async () => {
    await aTask.when((crew) => crew.as('ana').claim()).then([{ type: 'task.started' }])
    await aTask.when((crew) => crew.as('ana').receive()).then([{ type: 'message.leased' }])
  })

  it('lets time pass in history and command', () =>
    given(async (crew, environment) => {
      await crew.tracker.create({ id: 'tides', description: 'Tides', failAt: environment.now() + 60_000 })
      await environment.advance('59s')
    })
      .when((_, environment) => environment.advance('1s'))
      .then([{ type: 'task.failed', id: 'tides' }]))

  it('begins with nothing when nothing is given', () =>
    given()
      .when((crew) => crew.join('ana'))
      .then([{ type: 'member.joined', id: 'ana' }]))

  it('passes on what is no refusal, and says so when when() is awaited', async () => {
    const broken = aTask.when(() => {
      throw new TypeError('in the test itself')
    })
    await expect(broken.then([])).rejects.toThrow(TypeError)
    const awaited = (async () => await (started as unknown as Promise<unknown>))()
    await expect(awaited).rejects.toThrow(/do not await when/)
  })
})

describe('crash', () => {
  it('renews nothing, writes nothing and gives nothing back', async () => {
    const environment = manualEnvironment()
    const storage = new MemoryStorage()
    const shared = { environment, storage, onError: () => undefined }
    const a = await openCrew(shared)
    const b = await openCrew(shared)
    await a.join('ana')
    await a.join('bo')
    const task = await a.tracker.create({ description: 'Tides' })
    a.as('ana').work(() => new Promise(() => undefined))
    await environment.settle()
    await crash(a)
    const before = b.journal.head?.seq
    await environment.advance('59s')
    await b.sync()
    expect(b.journal.head?.seq).toBe(before)
    expect(b.tracker.get(task.id)?.holder).toBe('ana')
    b.as('bo').work(() => 'a summary')
    await environment.advance('3m')
    expect(b.tracker.get(task.id)).toMatchObject({
      result: 'a summary',
      attempts: [
        { member: 'ana', outcome: 'lost' },
        { member: 'bo', outcome: 'completed' },
      ],
    })
  })

  it('refuses every call from then on, and says how to go on', async () => {
    const environment = manualEnvironment()
    const crew = await openCrew({ environment, storage: new MemoryStorage() })
    await crew.join('ana')
    await crew.tracker.create({ description: 'Tides' })
    const attempt = await crew.as('ana').claim()
    const ana = crew.as('ana')
    await crash(crew)
    for (const call of [
      () => crew.tracker.create({ description: 'Moon' }),
      () => crew.sync(),
      () => crew.idle(),
      () => ana.claim(),
      () => ana.receive(),
      () => ana.send('ana', 'hello'),
      async () => attempt?.complete(),
      async () => ana.info,
      async () => crew.as('ana'),
      () => scriptedMember(crew, 'bo'),
    ])
      await expect(call()).rejects.toMatchObject({
        code: 'closed',
        message:
          'Journal crew is closed; crash(crew) ended its process; go on with another that openCrew answers, with the same storage and name',
      })
  })

  it('lets the journal in a folder be opened again, as after a real death', async () => {
    const environment = manualEnvironment()
    const open = () => openCrew({ storage: fileStorage(folder()), environment, name: 'shop', onError: () => undefined })
    const crew = await open()
    await crew.join('ana')
    const task = await crew.tracker.create({ description: 'Tides' })
    await crew.as('ana').claim()
    await expect(open()).rejects.toMatchObject({ code: 'storage_unavailable' })
    await crash(crew)
    const again = await open()
    expect(again.tracker.get(task.id)).toMatchObject({ status: 'pending', attempts: [{ outcome: 'lost' }] })
    await again.close()
  })
})
