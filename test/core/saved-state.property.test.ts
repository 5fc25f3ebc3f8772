import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Commit, Communications, type Crew, type Json, openCrew, ReportGenerator, TaskTracker } from 'crewlog'
import { crash, type ManualEnvironment } from 'crewlog/testing'
import { freezeJson } from '../../src/core/json.js'
import { LocalJournal } from '../../src/core/journal/local-journal.js'
import { Members } from '../../src/core/members.js'
import type { Projection, Slice } from '../../src/core/journal/projection.js'
import { aStrategy, automatic } from '../support/strategies.js'
import { aHistory, commitsOf, live, takePart } from '../support/crew-history.js'
import { stateOf } from '../support/crew-state.js'

/** All that folds a crew's journal, without a storage. */
class Replay extends LocalJournal {
  readonly #slices = new Map<string, Slice>()
  readonly #parts

  constructor(environment: ManualEnvironment) {
    super(environment)
    const communications = new Communications({ journal: this })
    const tracker = new TaskTracker({ journal: this })
    this.#parts = { communications, tracker, reports: new ReportGenerator({ tracker, communications }) }
  }

  override add<P extends Projection>(kind: string, projection: P): P {
    this.#slices.set(kind, projection)
    return super.add(kind, projection)
  }

  override keep<S extends Slice>(kind: string, make: () => S): S {
    const slice = make()
    this.#slices.set(kind, slice)
    return slice
  }

  take(commits: readonly Commit[]): this {
    for (const commit of commits) this.fold(commit)
    return this
  }

  /** Begins to save; the pieces are made later. */
  save(): () => string {
    const begun = Array.from(this.#slices, ([kind, slice]) => [kind, slice.save()] as const)
    return () => JSON.stringify(begun.map(([kind, pieces]) => [kind, [...pieces]]))
  }

  load(saved: string): this {
    for (const [kind, pieces] of JSON.parse(saved) as [string, (Json & object)[]][])
      for (const piece of pieces) this.#slices.get(kind)?.load(freezeJson(piece))
    return this
  }

  clear(): this {
    for (const slice of this.#slices.values()) slice.clear()
    return this
  }

  get state(): unknown {
    return stateOf({ ...this.#parts, members: Members.of(this).list() })
  }
}

describe('state that is written down', () => {
  // Guards save, load and clear of every projection: whoever adds state must add it there, to crew-state.ts and to
  // crew-commands.ts.
  it('is, taken up again after any commit and led on, what the whole journal makes', async () => {
    await fc.assert(
      fc.asyncProperty(aHistory(40), aStrategy, fc.infiniteStream(fc.nat()), async (history, strategy, picks) => {
        const { storage, environment } = await live(history, strategy)
        const commits = await commitsOf(storage)
        const whole = new Replay(environment).take(commits)
        const { state } = whole
        for (const pick of [0, commits.length, ...picks.take(4)]) {
          const seq = pick % (commits.length + 1)
          const first = new Replay(environment).take(commits.slice(0, seq))
          const stateThen = first.state
          const pieces = first.save()
          // What comes later is not in what was begun before.
          first.take(commits.slice(seq))
          const saved = pieces()
          const taken = new Replay(environment).load(saved)
          expect(taken.state).toEqual(stateThen)
          expect(taken.save()()).toBe(saved)
          expect(taken.take(commits.slice(seq)).state).toEqual(state)
          expect(first.clear().state).toEqual(new Replay(environment).state)
          expect(first.load(saved).take(commits.slice(seq)).state).toEqual(state)
        }
      }),
      { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 60) },
    )
  })

  // The same guard, for what no query shows but later decisions depend on: keys, rates, counts.
  it('decides, taken up again, as what the whole journal makes', async () => {
    await fc.assert(
      fc.asyncProperty(aHistory(30), aHistory(30), aStrategy, async (before, after, strategy) => {
        const worlds = await Promise.all(
          [false, true].map(async (hasCheckpoint) => {
            const { storage, environment } = await live(before, strategy)
            const open = (): Promise<Crew> =>
              openCrew({ storage, environment, ...automatic(strategy), onError: () => undefined })
            const writer = await open()
            if (hasCheckpoint) {
              await writer.checkpoint()
              await storage.trim('crew', (writer.journal.head?.seq ?? 1) - 1)
            }
            await crash(writer)
            const replica = { crew: await open(), attempts: [], deliveries: [] }
            await takePart([replica], after, environment, async () => environment.advance('5m'))
            const from = (await storage.loadCheckpoint('crew'))?.seq
            return { from, state: stateOf(replica.crew), commits: await commitsOf(storage, from) }
          }),
        )
        const [whole, taken] = worlds as [(typeof worlds)[0], (typeof worlds)[0]]
        expect(taken.commits).toEqual(whole.commits.filter(({ seq }) => seq > (taken.from ?? 0)))
        expect(taken.state).toEqual(whole.state)
      }),
      { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 40) },
    )
  })
})
