import { at, ofAttempt, type Replica, type Run, someTask, traced } from './steps.js'

/** One of the newest offers and hand-offs, and one of those whom it was made to. */
function someOffer({ crew }: Replica, pick: number): { readonly id: string; readonly by: string } | undefined {
  const offers = ['task.offer', 'task.handoff'].flatMap((kind) => crew.communications.messages({ kind }))
  const offer = offers.sort((a, b) => (b.seq ?? 0) - (a.seq ?? 0))[Math.floor(pick / 3)]
  const by = offer && at(offer.recipients, pick)
  return by === undefined ? undefined : { id: offer?.id as string, by }
}

/** What members do with and for each other, as steps of stories. */
export const collaboration = {
  offer: (replica, step, op) => {
    const { member, other, ms, flag } = step
    const { crew } = replica
    const expiry = ms > 0 ? { expiresAt: crew.journal.environment.now() + ms } : {}
    const to = flag ? [other, 'cy'].filter((id) => id !== member) : other
    const offered = crew.tracker.offer(someTask(replica, step, 'pending'), to, { by: member, note: op, ...expiry })
    return traced(op, offered, ['message.sent'])
  },
  accept: (replica, { pick }) => {
    const offer = someOffer(replica, pick)
    if (!offer) return undefined
    const accepted = replica.crew.tracker.accept(offer.id, { by: offer.by })
    return { answer: accepted.then((attempt) => replica.attempts.unshift(attempt)) }
  },
  decline: (replica, { pick }, op) => {
    const offer = someOffer(replica, pick)
    if (!offer) return undefined
    const declined = replica.crew.tracker.decline(offer.id, { by: offer.by, reason: op })
    return traced(op, declined, ['message.sent'])
  },
  handOff: (replica, step, op) =>
    ofAttempt(({ task, fence }, { other }) => ({
      answer: replica.crew.tracker.handOff(task.id, other, { note: op, fence }),
      // A later hand-off tells what was tried, and so this note again.
      trace: { types: ['message.sent'], mark: `"content":"${op}"` },
    }))(replica, step, op),
  request: (replica, { member }) => ({
    answer: replica.crew.tracker.request(member).then(({ attempt }) => {
      if (attempt) replica.attempts.unshift(attempt)
    }),
  }),
  askForHelp: (replica, step, op) =>
    ofAttempt(({ task, fence }) => {
      const asked = replica.crew.tracker.askForHelp(task.id, op, { fence })
      return traced(op, asked, ['message.sent'])
    })(replica, step, op),
  reviewBy: (replica, step, op) =>
    traced(
      op,
      replica.crew.tracker.review(someTask(replica, step, 'waiting'), {
        by: step.member,
        passed: step.ms < 1000,
        remarks: op,
      }),
      ['completed', 'resumed', 'failed', 'updated'],
    ),
  escalate: ofAttempt((attempt, { member, other, ms }, op) => ({
    answer: attempt.wait({
      for: 'approval',
      question: op,
      of: other,
      withinMs: ms,
      onTimeout: { ask: member, withinMs: ms, onTimeout: { answer: op } },
    }),
  })),
} satisfies Record<string, Run>
