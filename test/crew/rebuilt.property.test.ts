import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Crew, CrewError, openCrew } from 'crewlog'
import { faultyStorage, type FaultyStorage, manualEnvironment } from 'crewlog/testing'
import { RewindableStorage } from '../../src/testing/rewindable-storage.js'
import { aStep, call, MEMBERS, type Replica } from '../support/crew-commands.js'
import { TextStorage } from '../support/crew-history.js'
import { stateOf } from '../support/crew-state.js'

const PROCESSES = 3

const aTurn = fc.record({
  of: fc.nat({ max: PROCESSES - 1 }),
  do: fc.oneof(
    { weight: 12, arbitrary: aStep },
    {
      weight: 5,
      arbitrary: fc.constantFrom(
        'sleep' as const,
        'wake' as const,
        'checkpoint' as const,
        'trim' as const,
        'go back' as const,
      ),
    },
  ),
  count: fc.integer({ min: 1, max: 5 }),
  waitMs: fc.constantFrom(0, 0, 0, 10, 6000, 30_000),
})

/** Follows what a crew tells: every commit once and in order, but for the gaps that it tells. */
function follow(crew: Crew): () => number {
  let last = crew.journal.head?.seq ?? 0
  crew.on('*', ({ seq }) => {
    expect([last, last + 1]).toContain(seq)
    last = seq
  })
  crew.on('resynced', ({ from, to }) => {
    expect(from).toBe(last + 1)
    expect(to).toBeGreaterThanOrEqual(from)
    last = to
  })
  crew.on('diverged', ({ at }) => {
    expect(at).toBe(last)
    last = crew.journal.head?.seq ?? 0
  })
  return () => last
}

describe('replicas that sleep while the journal is trimmed, or goes back', () => {
  // Guards, each taken out once: the check of ids in readAfter, and what tasks and messages do when they are `rebuilt`.
  // Those of `loseSight` and of leases are in rebuilt.test.ts.
  it(
    'come to the state of the storage, tell every commit once or in a gap, and leave nothing held by nobody',
    { timeout: Number(process.env['CREWLOG_RUNS'] ?? 0) * 500 + 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(aTurn, { minLength: 1, maxLength: 60, size: 'max' }), async (turns) => {
          const environment = manualEnvironment()
          const storage = RewindableStorage.of(new TextStorage())
          const storages: FaultyStorage[] = []
          const replicas: Replica[] = []
          const lasts: (() => number)[] = []
          const errors: unknown[] = []
          const onError = (error: unknown): void => {
            errors.push(error)
          }
          for (let index = 0; index < PROCESSES; index++) {
            const own = faultyStorage(storage, { environment })
            const crew = await openCrew({ storage: own, environment, onError })
            storages.push(own)
            replicas.push({ crew, attempts: [], deliveries: [] })
            lasts.push(follow(crew))
          }
          /** What hangs fails here, and so is shrunk, and not by a time-out. */
          const settles = async (calls: readonly Promise<unknown>[]): Promise<void> => {
            let hasSettled = false
            const all = Promise.allSettled(calls).finally(() => (hasSettled = true))
            await environment.advance('1m')
            expect(hasSettled).toBe(true)
            expect((await all).filter(({ status }) => status === 'rejected')).toEqual([])
          }
          for (const member of MEMBERS) await replicas[0]!.crew.join(member, { capacity: 3 })
          /** The newest checkpoint that the log leads on from. */
          const newest = async (): Promise<number> => {
            for (
              let kept = await storage.loadCheckpoint('crew');
              kept;
              kept = await storage.loadCheckpoint('crew', kept.seq)
            ) {
              const run = await storage.read('crew', kept.seq - 1, 1)
              if ('commits' in run && run.commits[0]?.id === kept.id) return kept.seq
            }
            return 0
          }
          const end = async (after: number): Promise<number> => {
            const run = await storage.read('crew', after, 10_000)
            return 'commits' in run ? after + run.commits.length : 0
          }

          for (const [index, turn] of turns.entries()) {
            const replica = replicas[turn.of]!
            if (typeof turn.do === 'object')
              call(replica, turn.do, `op${index}`)?.answer.catch((error: unknown) => {
                if (!CrewError.is(error)) throw error
              })
            else if (turn.do === 'sleep') storages[turn.of]!.fail('error')
            else if (turn.do === 'wake') storages[turn.of]!.heal()
            else if (turn.do === 'checkpoint') replica.crew.checkpoint().catch(() => undefined)
            else {
              const kept = await newest()
              if (turn.do === 'trim') await storage.trim('crew', kept - (turn.count % 2))
              // What no checkpoint leads on from is lost for good.
              else await storage.rewind('crew', Math.min(turn.count, (await end(Math.max(0, kept - 1))) - kept))
            }
            await environment.advance(turn.waitMs)
          }
          for (const each of storages) each.heal()
          await environment.advance('5m')
          await settles(replicas.map(({ crew }) => crew.sync()))

          const fresh = await openCrew({ storage, environment, onError })
          for (const { crew } of replicas) expect(stateOf(crew)).toEqual(stateOf(fresh))
          expect(lasts.map((last) => last())).toEqual(replicas.map(({ crew }) => crew.journal.head?.seq ?? 0))
          const live = replicas.flatMap(({ attempts }) => attempts.filter(({ isOver }) => !isOver))
          const held = fresh.tracker.list({ status: 'in_progress' }).filter(({ running }) => running?.leaseMs)
          const keys = (list: readonly { readonly id: string; readonly fence: number }[]): unknown =>
            list.map(({ id, fence }) => `${id} ${fence}`).sort()
          expect(keys(live.map(({ task, fence }) => ({ id: task.id, fence })))).toEqual(keys(held))
          for (const error of errors)
            expect(error).toMatchObject({
              code: expect.stringMatching(/storage_unavailable|outcome_unknown/) as unknown,
            })
          for (const { crew } of [...replicas, { crew: fresh }]) await settles([crew.join('dee')])
          await settles([fresh, ...replicas.map(({ crew }) => crew)].map((crew) => crew.close()))
        }),
        { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 60) },
      )
    },
  )
})
