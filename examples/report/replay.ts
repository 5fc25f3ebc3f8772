import { type Crew, openCrew, type Task, type TaskTracker } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import type { AgentLog, Entry, Issue } from './agent-log.js'

/** The topic that every entry of the log is told on, in the thread of its task. */
export const LOG = 'log'

/** Who closed what nobody is named for. */
const NOBODY = 'unknown'

/** Something that happened, and when. */
interface Step {
  readonly at: number
  readonly run: () => Promise<unknown>
}

/** Does again what the log tells, at the times at which it happened, and answers the crew as it is then. */
export async function replay(log: AgentLog): Promise<Crew> {
  const environment = manualEnvironment({ now: Math.min(...log.issues.map(({ createdAt }) => createdAt)) })
  const crew = await openCrew({ environment, name: 'agent-log' })
  for (const id of membersOf(log)) await crew.join(id, { capacity: log.issues.length })
  for (const { at, run } of stepsOf(crew, log)) {
    environment.setWallClock(Math.max(at, environment.now()))
    await run()
  }
  return crew
}

function membersOf({ issues, entries, comments }: AgentLog): ReadonlySet<string> {
  const named = [
    ...issues.flatMap(({ assignee, createdBy }) => [assignee, createdBy]),
    ...entries.flatMap(({ actor, assignee }) => [actor, assignee]),
    ...comments.map(({ author }) => author),
  ]
  return new Set([...named.filter((id) => typeof id === 'string'), NOBODY])
}

function stepsOf(crew: Crew, { issues, entries, blocks, comments }: AgentLog): readonly Step[] {
  const givenInLog = new Set(entries.flatMap(({ issueId, assignee }) => (assignee === undefined ? [] : [issueId])))
  const closers = new Map(entries.filter(({ type }) => type === 'closed').map(({ issueId, actor }) => [issueId, actor]))
  const createdAt = new Map(issues.map((issue) => [issue.id, issue.createdAt]))
  const after = (issueId: string, at: number): number => Math.max(at, createdAt.get(issueId) ?? at)
  return [
    ...issues.map((issue) => ({
      at: issue.createdAt,
      run: () => create(crew, issue, givenInLog.has(issue.id) ? undefined : issue.assignee),
    })),
    ...blocks.map(({ issueId, on }) => ({
      at: after(on, after(issueId, 0)),
      run: () => crew.tracker.addDependency(issueId, on),
    })),
    ...comments.map(({ issueId, author, text, at }) => ({
      at: after(issueId, at),
      run: () => crew.tracker.comment(issueId, text, { by: author }),
    })),
    ...entries.map((entry) => ({ at: after(entry.issueId, entry.at), run: () => follow(crew, entry) })),
    ...issues.flatMap((issue) =>
      issue.closedAt === undefined
        ? []
        : [{ at: issue.closedAt, run: () => close(crew, issue, closers.get(issue.id) ?? issue.createdBy ?? NOBODY) }],
    ),
  ].sort((a, b) => a.at - b.at)
}

const create = (crew: Crew, issue: Issue, assignee: string | undefined): Promise<Task> =>
  crew.tracker.create(
    {
      id: issue.id,
      title: issue.title,
      description: issue.description,
      kind: issue.type,
      labels: issue.labels,
      // 0 is the most urgent there; here the higher is taken first.
      priority: 4 - issue.priority,
      ...(assignee !== undefined && { assignees: assignee }),
    },
    issue.createdBy === undefined ? {} : { by: issue.createdBy },
  )

/** Tells the entry in the thread of its task, and does to the task what it says. */
async function follow({ communications, tracker }: Crew, entry: Entry): Promise<void> {
  const { issueId: id, actor, type, status, assignee } = entry
  const metadata = { type, ...(status !== undefined && { status }), ...(assignee !== undefined && { assignee }) }
  await communications.send({ sender: actor, topic: LOG, taskId: id, content: type, metadata })
  // The log opens again what was closed; a completed task stays so. It was completed by its last closing alone.
  if (status === undefined || tracker.get(id)?.isOpen !== true) return
  if (status !== 'in_progress') await pause(tracker, id)
  if (assignee !== undefined) await give(tracker, id, assignee, actor)
  if (status === 'in_progress') await start(tracker, id, actor)
}

/** As the board has it in the end. */
async function close({ tracker }: Crew, { id, assignee }: Issue, by: string): Promise<void> {
  if (tracker.get(id)?.assignees[0] !== assignee) {
    await pause(tracker, id)
    await give(tracker, id, assignee ?? null)
  }
  await start(tracker, id, by)
  await tracker.complete(id)
}

async function give(tracker: TaskTracker, id: string, to: string | null, by?: string): Promise<void> {
  const options = by === undefined ? {} : { by }
  if (to === null) await tracker.unassign(id, options)
  else await tracker.assign(id, to, options)
}

/** Whoever is given a task works on it; of what is given to nobody, who says so. */
async function start(tracker: TaskTracker, id: string, by: string): Promise<void> {
  const task = tracker.get(id)
  if (task?.status !== 'pending') return
  // Whoever started it before what it waited for has overruled that edge.
  for (const { id: on } of task.dependsOn) {
    if (tracker.get(on)?.isOpen === true) await tracker.removeDependency(id, on)
  }
  await tracker.start(id, { by: task.assignees[0] ?? by })
}

async function pause(tracker: TaskTracker, id: string): Promise<void> {
  if (tracker.get(id)?.status === 'in_progress') await tracker.release(id)
}
