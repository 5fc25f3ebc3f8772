import { type AssignmentView, type MemberInfo, type Proposal, TaskTracker } from 'crewlog'

export const member = (id: string, more: Partial<MemberInfo> = {}): MemberInfo => ({
  id,
  kind: 'llm',
  skills: {},
  capacity: 1,
  available: true,
  usage: {},
  joinedAt: 0,
  ...more,
})

/** What a crew without skills and records would see of a board. */
export function viewOf(
  tracker: TaskTracker,
  members: readonly MemberInfo[],
  more: Partial<AssignmentView> = {},
): AssignmentView {
  return {
    now: 0,
    tasks: tracker.ready().filter(({ assignees }) => assignees.length === 0),
    members,
    load: () => 0,
    able: () => members,
    trackRecord: () => ({ finished: 0, successRate: 0, meanMs: 0 }),
    task: (id) => tracker.get(id),
    open: tracker.list({ status: ['pending', 'in_progress', 'waiting'] }),
    dependents: (id) => tracker.dependents(id).map((task) => task.id),
    lastGiven: undefined,
    ...more,
  }
}

/** Of a board on which these tasks are ready. */
export async function viewOfReady(
  ids: readonly string[],
  members: readonly MemberInfo[],
  more?: Partial<AssignmentView>,
): Promise<AssignmentView> {
  const tracker = new TaskTracker()
  await tracker.createMany(ids.map((id) => ({ id, description: 'A task' })))
  return viewOf(tracker, members, more)
}

/** Who is given what. */
export const pairs = ({ assigned }: Pick<Proposal, 'assigned'>): readonly string[] =>
  assigned.map(({ taskId, member: to }) => `${taskId} ${to}`)
