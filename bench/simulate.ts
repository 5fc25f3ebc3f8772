// Simulates small crews with rivals, a seed each, while everything goes wrong, and checks every promise after each.
//   npm run simulate -- --seeds 10000 [--from 1] [--faults '{"crash":50}'] [--workers 2] [--world rules] [--engine redis]
// The world of rules has a policy, budgets, kinds and a journal that is trimmed under load; its faults are its own.
// With --engine redis (or another of test/support/all-engines.ts) the journals are kept there, as real as they are, and
// no seed is the same twice: what comes first in the engine is not drawn from it.
// A failing seed is printed; repeat it with --seeds 1 --from <seed>.
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { Faults } from 'crewlog/testing'
import { engineOf } from '../test/support/all-engines.js'
import type { Engine } from '../test/support/engines.js'
import { ownJournal } from '../test/support/simulation/in-engine.js'
import { ruledTrial } from '../test/support/simulation/ruled-trial.js'
import { trial } from '../test/support/simulation/trial.js'

interface Failure {
  readonly seed: number
  readonly why: string
}
interface Tally {
  readonly seeds: number
  readonly failures: readonly Failure[]
  /** How often what happened, and in how many seeds. */
  readonly counts: Readonly<Record<string, readonly [number, number]>>
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    faults: { type: 'string', default: '{}' },
    world: { type: 'string', default: 'rivals' },
    workers: { type: 'string', default: String(availableParallelism()) },
    engine: { type: 'string' },
    /** Of a worker: where in the engine. */
    place: { type: 'string' },
    /** Of a worker: every how-manieth seed it takes. */
    step: { type: 'string' },
  },
})
const seeds = Number(values.seeds)
const from = Number(values.from)
const faults = JSON.parse(values.faults) as Faults
const PART = 50
/** Seeds that a worker simulates at once, where it waits for an engine. */
const AT_ONCE = 4
const worlds = { rivals: (seed: number) => trial(seed, faults), rules: ruledTrial }
const play = worlds[values.world as keyof typeof worlds]

/** Each seed in a journal of its own. */
async function workIn(engine: Engine, place: string, step: number): Promise<void> {
  const connection = await engine.connect(place)
  let next = from
  const simulateNext = async (): Promise<void> => {
    for (let seed = next; seed < from + seeds; seed = next) {
      next += step
      try {
        const { counts } = await trial(seed, faults, ownJournal(connection.storage, seed))
        const told = Object.entries(counts).map(([what, times]) => [what, [times, times > 0 ? 1 : 0]] as const)
        process.send?.({ seeds: 1, failures: [], counts: Object.fromEntries(told) } satisfies Tally)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        process.send?.({ seeds: 1, failures: [{ seed, why }], counts: {} } satisfies Tally)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, simulateNext))
  await connection.close()
}

async function work(step: number): Promise<void> {
  for (let seed = from; seed < from + seeds; seed += step * PART) {
    const failures: Failure[] = []
    const counts: Record<string, [number, number]> = {}
    let done = 0
    for (let next = seed; next < from + seeds && done < PART; next += step, done++) {
      try {
        for (const [what, times] of Object.entries((await play(next)).counts)) {
          const [all, some] = counts[what] ?? [0, 0]
          counts[what] = [all + times, some + (times > 0 ? 1 : 0)]
        }
      } catch (error) {
        failures.push({ seed: next, why: error instanceof Error ? error.message : String(error) })
      }
    }
    process.send?.({ seeds: done, failures, counts } satisfies Tally)
  }
}

async function lead(workers: number, place: string | undefined): Promise<void> {
  const start = performance.now()
  const totals = new Map<string, [number, number]>()
  const failures: Failure[] = []
  let done = 0
  let told = 0
  const args = (index: number): readonly string[] => [
    ...['--seeds', String(Math.max(0, seeds - index)), '--from', String(from + index)],
    ...['--faults', values.faults, '--world', values.world, '--step', String(workers)],
    ...(values.engine !== undefined && place !== undefined ? ['--engine', values.engine, '--place', place] : []),
  ]
  const hear = (tally: Tally): void => {
    done += tally.seeds
    for (const [what, [all, some]] of Object.entries(tally.counts)) {
      const total = totals.get(what) ?? [0, 0]
      totals.set(what, [total[0] + all, total[1] + some])
    }
    for (const failure of tally.failures) {
      failures.push(failure)
      console.error(`\n${failure.why}`)
    }
    if (done - told < 1000 && done < seeds) return
    told = done
    const seconds = (performance.now() - start) / 1000
    console.log(`${done} of ${seeds} seeds, ${failures.length} fail, ${(done / seconds).toFixed(0)} seeds a second`)
  }
  const ends = Array.from({ length: workers }, (_, index) => {
    const worker = fork(new URL(import.meta.url), args(index))
    worker.on('message', hear)
    return new Promise<number>((resolve) => worker.on('exit', (code) => resolve(code ?? 1)))
  })
  const codes = await Promise.all(ends)
  console.log('\n| what | times | in seeds |\n| --- | --- | --- |')
  for (const [what, [all, some]] of [...totals].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`| ${what} | ${all} | ${some} |`)
  if (failures.length > 0) console.log(`\nFailing seeds: ${failures.map(({ seed }) => seed).join(', ')}`)
  process.exitCode = failures.length > 0 || codes.some((code) => code !== 0) || done < seeds ? 1 : 0
}

const engine = values.engine === undefined ? undefined : await engineOf(values.engine)
if (values.step === undefined) {
  const place = await engine?.make()
  await lead(Math.min(seeds, Number(values.workers)), place)
  if (place !== undefined) await engine?.remove(place)
} else if (engine && values.place !== undefined) await workIn(engine, values.place, Number(values.step))
else await work(Number(values.step))
