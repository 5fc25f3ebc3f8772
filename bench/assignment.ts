// What automatic assignment costs at 10,000 tasks and 1,000 members, by each everyday strategy, in CPU time, which tells
// the same on a busy machine: npm run bench:assignment
import { bestFit, type Crew, leastLoaded, openCrew, roundRobin, type Strategy } from 'crewlog'

const MEMBERS = 1000
const SKILLS = 20
/** What each can do at once; half of the tasks are left. */
const CAPACITY = 5
const TASKS = 2 * MEMBERS * CAPACITY

const STRATEGIES: readonly (readonly [string, () => Strategy])[] = [
  ['roundRobin', roundRobin],
  ['leastLoaded', leastLoaded],
  ['bestFit', bestFit],
]

/** Members with three skills each, and tasks that require none, one or two. */
async function openBoard(): Promise<Crew> {
  const crew = await openCrew()
  const skill = (n: number): string => `skill-${String(n % SKILLS)}`
  await Promise.all(
    Array.from({ length: MEMBERS }, (_, n) =>
      crew.join(`member-${String(n)}`, {
        capacity: CAPACITY,
        skills: { [skill(n)]: 1, [skill(n * 7 + 1)]: 0.8, [skill(n * 3 + 2)]: 0.6 },
      }),
    ),
  )
  for (let from = 0; from < TASKS; from += 1000)
    await crew.tracker.createMany(
      Array.from({ length: 1000 }, (_, index) => {
        const n = from + index
        const requires =
          n % 3 === 0 ? {} : n % 3 === 1 ? { [skill(n)]: 0.5 } : { [skill(n)]: 0.3, [skill(n * 7 + 1)]: 0.3 }
        return { id: `task-${String(n)}`, description: 'A task', priority: n % 5, requires }
      }),
    )
  return crew
}

async function cpuMs(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

const COMPLETIONS = 200

/** Of a completion that frees a member, who is given one of the nine thousand tasks that wait; of one without a strategy, too. */
async function completionMs(strategy: Strategy | undefined): Promise<number> {
  const crew = await openCrew(strategy ? { assignment: { strategy } } : {})
  const members = await Promise.all(Array.from({ length: MEMBERS }, (_, n) => crew.join(`member-${String(n)}`)))
  for (let from = 0; from < TASKS; from += 1000)
    await crew.tracker.createMany(Array.from({ length: 1000 }, () => ({ description: 'A task' })))
  const attempts = await Promise.all(members.slice(0, COMPLETIONS).map((member) => member.claim()))
  const ms = await cpuMs(async () => {
    for (const attempt of attempts) await attempt?.complete()
  })
  await crew.close()
  return ms / COMPLETIONS
}

console.log(`${String(TASKS)} tasks, ${String(MEMBERS)} members with room for ${String(MEMBERS * CAPACITY)}; CPU time`)
console.log('strategy\tplan\tassign\texplain\tgiven')
for (const [name, strategy] of STRATEGIES) {
  const crew = await openBoard()
  const plan = await cpuMs(() => crew.autoAssign({ strategy: strategy(), dryRun: true }))
  let given = 0
  const assign = await cpuMs(async () => {
    given = (await crew.autoAssign({ strategy: strategy() })).assigned.length
  })
  const { left, assigned } = await crew.autoAssign({ strategy: strategy(), dryRun: true })
  const explain = await cpuMs(() => Promise.resolve(left.slice(0, 10).map((one) => one.candidates)))
  console.log([name, ...[plan, assign, explain].map((ms) => `${ms.toFixed(0)} ms`), given + assigned.length].join('\t'))
  await crew.close()
}

console.log('\neach completion while tasks are assigned as members become free')
for (const [name, strategy] of [['no strategy', undefined] as const, ...STRATEGIES])
  console.log(`${name}\t${(await completionMs(strategy?.())).toFixed(2)} ms`)
