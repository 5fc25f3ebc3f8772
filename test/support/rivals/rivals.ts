import { type Crew, openCrew } from 'crewlog'
import { checkJournal } from 'crewlog/testing'
import { engineOf } from '../all-engines.js'
import { type Child, compileProgram, type Program } from '../child-programs.js'
import type { Rival, Tally } from './told.js'

export interface RivalsOptions {
  /** Its name in `all-engines.ts`. */
  readonly engine: string
  readonly processes: number
  readonly tasks: number
  /** Claims that each process has under way at once; default 4. */
  readonly hands?: number
}

export interface RivalsResult {
  readonly tallies: readonly Tally[]
  /** From the word to go until the last one has nothing more to claim. */
  readonly ms: number
  /** Of the process that got least, beside an equal share of all tasks. */
  readonly slowestShare: number
  /** Every promise that was broken; none when each task was done once. */
  readonly problems: readonly string[]
}

const CREATED_AT_ONCE = 1000

/** Lets processes claim tasks of one crew as fast as they can, and judges who did how many, and how often. */
export async function rivals(options: RivalsOptions): Promise<RivalsResult> {
  const engine = await engineOf(options.engine)
  const place = await engine.make()
  const program = await compileProgram('test/support/rivals/program.ts')
  const connection = await engine.connect(place)
  const { storage } = connection
  try {
    const names = Array.from({ length: options.processes }, (_, index) => `member-${index}`)
    const before = await openCrew({ storage })
    await fill(before, names, options.tasks)
    await before.close()
    const { tallies, ms } = await race(program, names, { engine: options.engine, place, hands: options.hands ?? 4 })
    const after = await openCrew({ storage })
    const problems = judge(after, tallies, options.tasks)
    await after.close()
    problems.push(...(await checkJournal(storage)).map((promise) => JSON.stringify(promise)))
    const least = Math.min(...tallies.map(({ done }) => done.length))
    return { tallies, ms, slowestShare: (least * options.processes) / options.tasks, problems }
  } finally {
    await connection.close()
    await program.remove()
    await engine.remove(place)
  }
}

async function fill(crew: Crew, names: readonly string[], tasks: number): Promise<void> {
  await Promise.all(names.map((name) => crew.join(name, { capacity: 1000 })))
  for (let made = 0; made < tasks; made += CREATED_AT_ONCE) {
    const length = Math.min(CREATED_AT_ONCE, tasks - made)
    await crew.tracker.createMany(Array.from({ length }, () => ({ description: 'Do it once' })))
  }
}

async function race(
  program: Program,
  names: readonly string[],
  rival: Omit<Rival, 'member'>,
): Promise<Pick<RivalsResult, 'tallies' | 'ms'>> {
  const tallies: Tally[] = []
  const children: Child[] = []
  const opened = names.map(
    (member) =>
      new Promise<void>((resolve, reject) => {
        const child = program.start({ ...rival, member } satisfies Rival, (line) => {
          if (line === 'open') resolve()
          else tallies.push(JSON.parse(line) as Tally)
        })
        child.ended.then(() => {
          reject(new Error(`${member} ended before it was open: ${child.complaint}`))
        }, reject)
        children.push(child)
      }),
  )
  try {
    await Promise.all(opened)
    const start = performance.now()
    for (const child of children) child.tell('go')
    await Promise.all(children.map(({ ended }) => ended))
    return { tallies, ms: performance.now() - start }
  } finally {
    for (const child of children) child.signal('SIGKILL')
  }
}

function judge(crew: Crew, tallies: readonly Tally[], tasks: number): string[] {
  const problems: string[] = []
  const done = tallies.flatMap((tally) => tally.done)
  const all = crew.tracker.list()
  if (done.length !== tasks || new Set(done).size !== tasks)
    problems.push(`Of ${tasks} tasks ${done.length} were told to be done, ${new Set(done).size} of them different`)
  for (const { id, status, attemptCount } of all)
    if (status !== 'completed' || attemptCount !== 1) problems.push(`${id} is ${status} after ${attemptCount} attempts`)
  if (all.length !== tasks) problems.push(`There are ${all.length} tasks`)
  return problems
}
