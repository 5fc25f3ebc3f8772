import { MemoryStorage, openCrew, type Commit, type JournalStorage, type Plan, type Strategy } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'

/** A plan that was carried out, and the commit that did it. */
export interface CarriedOut {
  readonly plan: Plan
  readonly seq: number
  readonly at: number
}

const GIVEN = 'task.assigned'

/**
 * The greatest plan of a run, explained as of then: automatic assignment keeps no explanations, but the journal keeps
 * all that they are made of. The commit is folded again without what it gave, and the strategy is asked.
 */
export async function greatestPlan(storage: JournalStorage, strategy: Strategy): Promise<CarriedOut | undefined> {
  const commits = await commitsOf(storage)
  const giving = commits.filter(({ events }) => given(events).length > 0 && !goesOn(events))
  giving.sort((a, b) => given(b.events).length - given(a.events).length || a.seq - b.seq)
  for (const commit of giving) {
    const plan = await planBefore(commits.slice(0, commit.seq), strategy)
    // Another one, where commands shared a commit, and it was asked between them.
    if (plan.assigned.map(({ taskId, member }) => `${taskId} ${member}`).join() === given(commit.events).join())
      return { plan, seq: commit.seq, at: commit.at }
  }
  return undefined
}

const given = (events: Commit['events']): readonly string[] =>
  events.flatMap(({ type, id, changes }) => {
    const { added = [] } = (changes['assignees'] ?? {}) as { readonly added?: readonly string[] }
    return type === GIVEN ? added.map((member) => `${id} ${member}`) : []
  })

/** Whether something else happens in the same commit to what is given, which cannot happen without that. */
const goesOn = (events: Commit['events']): boolean =>
  events.some(
    ({ type, id }, index) =>
      type !== GIVEN && events.slice(0, index).some((one) => one.type === GIVEN && one.id === id),
  )

async function planBefore(commits: readonly Commit[], strategy: Strategy): Promise<Plan> {
  const last = commits.at(-1) as Commit
  const storage = new MemoryStorage()
  for (const commit of commits.slice(0, -1)) await storage.append('then', commit)
  // Without what it gave, and the mail about it.
  const events = last.events.filter(({ type, by }) => type !== GIVEN && !(type === 'message.sent' && by === 'crew'))
  if (events.length > 0) await storage.append('then', { ...last, events })
  await using crew = await openCrew({ name: 'then', storage, environment: manualEnvironment({ now: last.at }) })
  return await crew.autoAssign({ strategy, dryRun: true })
}

async function commitsOf(storage: JournalStorage): Promise<readonly Commit[]> {
  const commits: Commit[] = []
  for (;;) {
    const run = await storage.read('demo', commits.length, 1000)
    if (!('commits' in run) || run.commits.length === 0) return commits
    commits.push(...run.commits)
  }
}
