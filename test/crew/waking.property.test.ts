import {
  type Attempt,
  type CanSee,
  type Crew,
  MemoryStorage,
  openCrew,
  type Running,
  Task,
  type TaskFilter,
} from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const MEMBERS = ['ana', 'bo', 'cy'] as const
const FILTERS: readonly (TaskFilter | undefined)[] = [undefined, undefined, { kind: 'a' }, { label: 'x' }]

type How = 'end' | 'throw' | 'ask'

/** Loops of a member that have begun and not been stopped. */
interface Crowd {
  readonly running: Running
  readonly filter: TaskFilter | undefined
  readonly concurrency: number
  busy: number
}

/** One step, of which each act uses what it needs. */
interface Step {
  readonly act: string
  readonly member: string
  /** Which of the open tasks, handlers, and ways. */
  readonly pick: number
  readonly other: number
  readonly flag: boolean
  /** By which process. */
  readonly isHere: boolean
  /** Before the next step; null: that comes at once. */
  readonly pauseMs: number | null
}

class Story {
  readonly crowds = new Map<string, Crowd>()
  /** Handlers that wait to be told how they end. */
  readonly #handlers: ((how: How) => void)[] = []
  readonly here: Crew
  readonly there: Crew
  #made = 0

  constructor(here: Crew, there: Crew) {
    this.here = here
    this.there = there
  }

  newId(): string {
    return `t${++this.#made}`
  }

  task(pick: number): string {
    const open = this.here.tracker.list({ status: ['pending', 'in_progress', 'waiting', 'failed'] })
    return open[pick % open.length]?.id ?? 'none'
  }

  begin({ member, pick, flag }: Step): void {
    if (this.crowds.has(member)) return
    const [filter, concurrency] = [FILTERS[pick % FILTERS.length], flag ? 1 : 2]
    const crowd = { filter, concurrency, busy: 0 }
    const handler = async (attempt: Attempt): Promise<void> => {
      crowd.busy++
      const how = await new Promise<How>((resolve) => this.#handlers.push(resolve))
      crowd.busy--
      if (how === 'throw') throw new Error('no')
      if (how === 'ask') await attempt.wait({ for: 'input', of: 'hana' })
    }
    const running = this.here.as(member).work(handler, { concurrency, ...(filter && { filter }) })
    this.crowds.set(member, Object.assign(crowd, { running }))
  }

  stop({ member }: Step): void {
    void this.crowds.get(member)?.running.stop()
    this.crowds.delete(member)
  }

  end(pick: number, how: How): void {
    this.#handlers.splice(pick % Math.max(1, this.#handlers.length), 1)[0]?.(how)
  }

  endAll(): void {
    for (const end of this.#handlers.splice(0)) end('end')
  }

  /** Who has a loop that waits, while its member could claim something. */
  async overslept(): Promise<readonly string[]> {
    const found: string[] = []
    for (const [member, { filter, concurrency, busy }] of this.crowds) {
      if (busy >= concurrency || !this.here.members.some(({ id }) => id === member)) continue
      const attempt = await this.here.as(member).claim(filter ? { filter } : {})
      if (attempt) found.push(`${member} was not woken for ${attempt.task.id}`)
    }
    return found
  }
}

const drafted = (story: Story, { member, pick, other, flag }: Step) => ({
  id: story.newId(),
  description: 'x',
  ...[
    {},
    { assignees: flag ? [member] : [member, 'ana'] },
    { requires: { code: flag ? 0.5 : 0.9 }, priority: 2 },
    flag ? { kind: 'a', dependsOn: [story.task(other)].filter((id) => id !== 'none') } : { labels: ['x'] },
  ][pick % 4],
})

/** What the members and their program do, with how often. */
const ACTS: Readonly<Record<string, readonly [number, (story: Story, crew: Crew, step: Step) => unknown]>> = {
  create: [5, (story, { tracker }, step) => tracker.create(drafted(story, step))],
  createMany: [
    3,
    (story, { tracker }, step) =>
      tracker.createMany([step, { ...step, pick: step.other }].map((one) => drafted(story, one))),
  ],
  update: [
    2,
    (story, { tracker }, { pick, other, flag }) =>
      tracker.update(
        story.task(pick),
        [{ labels: flag ? ['x'] : [] }, { requires: flag ? { code: 0.5 } : {} }, { priority: other }][other % 3]!,
      ),
  ],
  assign: [
    2,
    (story, { tracker }, { pick, member, flag }) => tracker.assign(story.task(pick), member, { force: flag }),
  ],
  unassign: [1, (story, { tracker }, { pick }) => tracker.unassign(story.task(pick))],
  cancel: [1, (story, { tracker }, { pick, flag }) => tracker.cancel(story.task(pick), { force: flag })],
  retry: [1, (story, { tracker }, { pick }) => tracker.retry(story.task(pick))],
  depend: [1, (story, { tracker }, { pick, other }) => tracker.addDependency(story.task(pick), story.task(other))],
  answer: [2, (story, { tracker }, { pick }) => tracker.resume(story.task(pick), { by: 'hana', answer: 1 })],
  byHand: [2, (story, { tracker }, { pick, member }) => tracker.start(story.task(pick), { by: member })],
  complete: [2, (story, { tracker }, { pick }) => tracker.complete(story.task(pick))],
  skills: [
    2,
    (_, crew, { member, flag, pick }) =>
      crew.join(member, { skills: flag ? { code: 0.7 } : {}, capacity: 1 + (pick % 2) }),
  ],
  available: [3, (_, crew, { member, flag }) => crew.as(member).setAvailability(flag)],
  leave: [1, (_, crew, { member }) => crew.leave(member)],
  begin: [
    4,
    (story, _, step) => {
      story.begin(step)
    },
  ],
  stop: [
    1,
    (story, _, step) => {
      story.stop(step)
    },
  ],
  end: [
    4,
    (story, _, { pick, other }) => {
      story.end(pick, (['end', 'end', 'throw', 'ask'] as const)[other % 4]!)
    },
  ],
  endAll: [
    2,
    (story) => {
      story.endAll()
    },
  ],
}

const aStep: fc.Arbitrary<Step> = fc.record({
  act: fc.oneof(...Object.entries(ACTS).map(([act, [weight]]) => ({ weight, arbitrary: fc.constant(act) }))),
  member: fc.constantFrom(...MEMBERS),
  pick: fc.nat({ max: 11 }),
  other: fc.nat({ max: 11 }),
  flag: fc.boolean(),
  isHere: fc.boolean(),
  pauseMs: fc.constantFrom(null, 0, 0, 0, 1000, 70_000),
})

/** Plays the steps; after each pause nobody may have overslept. */
async function play(steps: readonly Step[], isVeiled: boolean): Promise<void> {
  const environment = manualEnvironment()
  /** What has a label shows while an even number of tasks is done. */
  const canSee: CanSee = (member, entity) =>
    member === 'bo' || !(entity instanceof Task) || entity.labels.length === 0 || done() % 2 === 0
  const options = { storage: new MemoryStorage(), environment, onError: () => undefined, ...(isVeiled && { canSee }) }
  const here = await openCrew(options)
  const done = (): number => here.tracker.count({ status: 'completed' })
  for (const id of [...MEMBERS, 'hana']) await here.join(id, id === 'cy' ? { skills: { code: 1 }, capacity: 2 } : {})
  const story = new Story(here, await openCrew(options))
  for (const step of steps) {
    try {
      const [, act] = ACTS[step.act]!
      Promise.resolve(act(story, step.isHere ? story.here : story.there, step)).catch(() => undefined)
    } catch {
      // Who has left has no handle.
    }
    if (step.pauseMs === null) continue
    await environment.advance(step.pauseMs)
    expect(await environment.run(story.overslept())).toEqual([])
  }
  await story.here.close()
  await story.there.close()
}

describe('loops that wait', () => {
  it(
    'are woken for whatever they could claim',
    { timeout: Number(process.env['CREWLOG_RUNS'] ?? 0) * 500 + 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(aStep, { minLength: 1, maxLength: 80, size: 'max' }), fc.boolean(), play),
        { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 100) },
      )
    },
  )
})
