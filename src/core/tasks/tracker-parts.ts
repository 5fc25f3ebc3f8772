import { Access, type AccessOptions, accessFields } from '../access.js'
import { Cascades } from './cascades.js'
import type { Environment } from '../environment.js'
import { IdempotencyKeys } from '../idempotency.js'
import { type Limits, object } from '../input.js'
import { type Kinds, KindSchemas, readKinds } from '../kinds.js'
import { type LocalJournal, journalFields, journalOf } from '../journal/local-journal.js'
import type { Mailboxes } from '../messages/mailboxes.js'
import { Members } from '../members.js'
import { TaskBoard } from './task-board.js'
import { TaskDesk } from './task-desk.js'
import { endLease } from './task-endings.js'
import { retryPolicy } from './task-input.js'
import { TaskNews } from './task-news.js'
import { TaskNotices } from './task-notices.js'
import type { TrackerParts } from './task-queries.js'
import { TrackRecords } from './track-records.js'
import type { RetryPolicy } from './task.js'

export interface TaskTrackerOptions<K extends Kinds = Kinds> extends AccessOptions {
  /** Shared with communications, or kept somewhere; default: in memory, at once. */
  readonly journal?: LocalJournal
  /** Without a journal. */
  readonly environment?: Environment
  /** Only members can be assigned or claim; default false: an id becomes a member at its first use. */
  readonly strictMembers?: boolean
  /** Schemas for what tasks of each kind take and give. With them, other kinds are refused; without, a kind is only a name. */
  readonly kinds?: K
  readonly limits?: Limits
  /** How long a claim holds without a renewal, ms; default 60 s, at least 1 s. */
  readonly leaseMs?: number
  /** For tasks without a policy of their own. */
  readonly retry?: RetryPolicy
}

export const trackerOptions = object({ ...journalFields, ...accessFields, kinds: readKinds, retry: retryPolicy })

/** A tracker wired to its journal. @internal */
export function partsOf(
  { strictMembers = false, leaseMs = 60_000, retry = {}, kinds, ...rest }: ReturnType<typeof trackerOptions>,
  limits: Required<Limits>,
): TrackerParts {
  const journal = journalOf(rest)
  const access = Access.of(rest, journal.onError)
  const members = Members.of(journal)
  const keys = IdempotencyKeys.of(journal)
  const board = journal.add('task', new TaskBoard(journal))
  const notices = new TaskNotices(journal.environment, () => journal.projection<Mailboxes>('message'))
  const cascades = journal.add('crew.cascading', new Cascades(board))
  const settings = { strictMembers, leaseMs, retry, rounds: limits.rounds }
  const desk = new TaskDesk(journal, board, members, notices, settings, access, cascades)
  const news = new TaskNews(desk)
  journal.observe(news)
  journal.leases?.keep('task', {
    end: (turn, lease, how) => endLease(desk, turn, lease, how),
    lapsed: ({ id }) => news.lapsed(id),
  })
  keys.keepWhile((id) => board.get(id)?.isOpen === true)
  const schemas = kinds && new KindSchemas(kinds, journal, limits)
  const records = journal.keep('track-records', () => new TrackRecords(news.changes))
  return { journal, members, keys, board, desk, news, records, schemas }
}
