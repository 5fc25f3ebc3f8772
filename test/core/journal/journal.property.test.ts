import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CrewError } from '../../../src/core/errors.js'
import { Journal } from '../../../src/core/journal/journal.js'
import type { Commit } from '../../../src/core/journal/journal-storage.js'
import { MemoryStorage } from '../../../src/core/journal/memory-storage.js'
import { faultyStorage } from '../../../src/testing/faulty-storage.js'
import { manualEnvironment } from '../../../src/testing/manual-environment.js'
import { aFault } from '../../support/a-fault.js'
import { commands, Registers } from '../../support/registers.js'

const NAME = 'crew'
const IDS = ['a', 'b', 'c']

const step = fc.record({
  writer: fc.nat({ max: 2 }),
  command: fc.constantFrom('write' as const, 'create' as const, 'change' as const, 'take' as const),
  id: fc.constantFrom(...IDS),
  waitMs: fc.constantFrom(0, 0, 0, 5, 100, 11_000, 45_000),
})

async function allCommits(storage: MemoryStorage): Promise<readonly Commit[]> {
  const run = await storage.read(NAME, 0, Infinity)
  return 'commits' in run ? run.commits : []
}

type State = ReadonlyMap<string, readonly string[]>

/** By replaying the stored bytes: after[n] is the state after commit n, during[n] those after each of its events. */
function replay(commits: readonly Commit[]): {
  readonly after: readonly State[]
  readonly during: readonly (readonly State[])[]
} {
  const registers = new Registers()
  const during = [[new Map(registers.values)]]
  for (const { events } of commits) {
    during.push(
      events.map((event) => {
        registers.apply(registers.fold(event))
        return new Map(registers.values)
      }),
    )
  }
  return { during, after: during.map((states) => states.at(-1) ?? new Map()) }
}

interface Outcome {
  readonly op: string
  readonly command: keyof typeof commands
  readonly id: string
  /** Length of the log at the call, and when the answer came. */
  readonly from: number
  to?: number
  answer?: 'done' | 'nothing' | 'refused' | 'unknown' | 'not begun'
}

describe('a journal with rivals on a storage that fails in every way', () => {
  it('loses nothing, doubles nothing, shows nothing uncommitted, and tells the truth when it refuses (EV-03)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 25 }),
        fc.array(aFault({ none: 6, some: 5 }), { maxLength: 40 }),
        fc.boolean(),
        async (steps, faults, watches) => {
          const environment = manualEnvironment()
          const storage = new MemoryStorage()
          if (!watches) Object.assign(storage, { watch: undefined })
          let calls = 0
          const forEver = faults.length % 2 === 0
          let healed = false
          const bad = faultyStorage(storage, {
            environment,
            plan: (call) =>
              healed || (call !== 'append' && call !== 'read')
                ? undefined
                : faults[forEver ? calls++ % faults.length : calls++],
          })
          const journals = [0, 1, 2].map(
            () => new Journal({ name: NAME, storage: bad, environment, onError: () => undefined }),
          )
          const heard: string[][] = [[], [], []]
          const replicas = journals.map((journal) => Registers.on(journal))
          journals.forEach((journal, index) => {
            journal.observe({
              heard(event, { seq }) {
                heard[index]?.push(`${String(seq)} ${event.changes['op'] as string}`)
              },
            })
          })
          healed = true
          await Promise.all(journals.map((journal) => journal.open()))
          healed = false

          // No reader ever sees what is not committed: at every look, each replica is some prefix of the log.
          const check = async (): Promise<number> => {
            const commits = await allCommits(storage)
            const { after } = replay(commits)
            journals.forEach((journal, index) => {
              expect(replicas[index]?.values).toEqual(after[journal.head?.seq ?? 0])
            })
            return commits.length
          }

          const outcomes: Outcome[] = []
          const running: Promise<void>[] = []
          for (const [index, { writer, command, id, waitMs }] of steps.entries()) {
            const outcome: Outcome = { op: `op${String(index)}`, command, id, from: await check() }
            outcomes.push(outcome)
            const journal = journals[writer]
            if (!journal) continue
            const settle = async (answer: NonNullable<Outcome['answer']>) => {
              outcome.answer = answer
              outcome.to = (await allCommits(storage)).length
            }
            running.push(
              commands[command](journal, id, outcome.op).then(
                (value) => settle(command === 'take' && value === undefined ? 'nothing' : 'done'),
                (error: unknown) => {
                  if (CrewError.is(error, 'already_exists') || CrewError.is(error, 'not_found'))
                    return settle('refused')
                  if (CrewError.is(error, 'outcome_unknown')) return settle('unknown')
                  expect(CrewError.is(error, 'storage_unavailable')).toBe(true)
                  return settle('not begun')
                },
              ),
            )
            if (waitMs) await environment.advance(waitMs)
          }
          await environment.advance('2m')
          healed = true
          await environment.advance('2m')
          await Promise.all(running)
          await Promise.all(journals.map((journal) => journal.sync()))

          const commits = await allCommits(storage)
          const { after, during } = replay(commits)
          const stored = commits.flatMap((commit) => commit.events.map((event) => event.changes['op'] as string))
          expect(new Set(stored).size).toBe(stored.length)
          for (const { op, answer, command, id, from, to = 0 } of outcomes) {
            const times = stored.filter((other) => other === op).length
            if (answer === 'done') expect(times).toBe(1)
            else if (answer !== 'unknown') expect(times).toBe(0)
            // True at one moment between the call and the answer, be it between two events of one commit.
            const between = [after[from], ...during.slice(from + 1, to + 1).flat()].map((state) => state?.has(id))
            if (command === 'change' && answer === 'refused') expect(between).toContain(false)
            if (command === 'create' && answer === 'refused') expect(between).toContain(true)
            if (command === 'take' && answer === 'nothing') expect(between).toContain(false)
          }
          const told = commits.flatMap((commit) =>
            commit.events.map((event) => `${String(commit.seq)} ${event.changes['op'] as string}`),
          )
          for (const index of [0, 1, 2]) {
            expect(replicas[index]?.values).toEqual(after.at(-1))
            expect(heard[index]).toEqual(told)
          }
          expect(commits.map(({ seq }) => seq)).toEqual(commits.map((_, index) => index + 1))
          await Promise.all(journals.map((journal) => journal.close()))
        },
      ),
      { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 300) },
    )
  })
})
