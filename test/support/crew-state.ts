import type { Crew } from 'crewlog'

/** All that the public queries of a crew answer, as plain data; without what depends on the session that asks. */
export function stateOf({
  tracker,
  communications,
  members,
  reports,
}: Pick<Crew, 'tracker' | 'communications' | 'members' | 'reports'>): unknown {
  const tasks = tracker.list()
  const messages = communications.messages()
  const data = {
    tasks: tasks.map((task) => ({
      task,
      stage: tracker.stage(task.id),
      dependencies: tracker.dependencies(task.id).map(({ id }) => id),
      dependents: tracker.dependents(task.id).map(({ id }) => id),
      subtasks: tracker.subtasks(task.id).map(({ id }) => id),
    })),
    ready: tracker.ready().map(({ id }) => id),
    blocked: tracker.blocked().map(({ id }) => id),
    overdue: tracker.overdue().map(({ id }) => id),
    workload: tracker.workload(),
    messages: messages.map((message) => ({
      message,
      deliveries: communications
        .deliveries(message.id!)
        .map(({ recipient, state, count, reasons }) => ({ recipient, state, count, reasons })),
      thread: communications.thread(message.threadId!).map(({ id }) => id),
    })),
    mailboxes: members.map(({ id }) => ({
      id,
      inbox: communications.inbox(id).map((message) => message.id),
      unread: communications.unread(id),
    })),
    members,
    // What strategies decide on.
    records: members.map(({ id }) => {
      const { all, bySkill } = tracker.parts.records.of(id)
      return { id, all, bySkill: [...bySkill].sort(([a], [b]) => (a < b ? -1 : 1)) }
    }),
    lastGiven: tracker.parts.board.index.given.last,
    explanations: [
      ...tasks.map(({ id }) => tracker.explain({ taskId: id })),
      ...members.map(({ id }) => tracker.explain({ member: id })),
    ],
    topics: communications.topics(),
    reports: [reports.generate('summary').data, reports.generate('workload').data, reports.generate('health').data],
  }
  return JSON.parse(JSON.stringify(data))
}

/** Enough to tell one state of the journal from another at every look. */
export function glanceAt({ tracker, communications, journal }: Crew, tasks: readonly string[]): string {
  const seen = tasks.map((id) => tracker.get(id)?.version ?? 0)
  const mail = communications
    .messages()
    .map(({ id = '' }) => communications.deliveries(id).map(({ state, count }) => `${state}${String(count)}`))
  return `${String(journal.head?.seq ?? 0)} ${seen.join()} ${JSON.stringify(mail)}`
}
