import type { Crew, Usage } from 'crewlog'

export const MOVES = ['start', 'complete', 'fail', 'final', 'release', 'wait', 'resume', 'cancel', 'force'] as const

/** One step of a task, be it open to it or not: then it is refused. */
export async function move(
  { tracker }: Pick<Crew, 'tracker'>,
  name: (typeof MOVES)[number],
  { task: id, member, usage }: { readonly task: string; readonly member: string; readonly usage: Usage },
): Promise<unknown> {
  const running = tracker.get(id)?.running
  const fenced = running?.leaseMs === undefined ? {} : { fence: running.fence }
  switch (name) {
    case 'start':
      return tracker.start(id, { by: member })
    case 'complete':
      return tracker.complete(id, { ...fenced, usage })
    case 'fail':
      return tracker.fail(id, { ...fenced, error: 'oops', usage })
    case 'final':
      return tracker.fail(id, { ...fenced, error: 'no', retryable: false })
    case 'release':
      return tracker.release(id, fenced)
    case 'wait':
      return tracker.wait(id, { ...fenced, for: 'approval' })
    case 'resume':
      return tracker.resume(id, { by: member, answer: 'yes' })
    case 'cancel':
      return tracker.cancel(id)
    case 'force':
      return tracker.cancel(id, { force: true })
  }
}
