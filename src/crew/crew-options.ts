import { type AccessOptions, accessFields } from '../core/access.js'
import { type Retention, retention } from '../core/journal/crew-settings.js'
import type { Environment } from '../core/environment.js'
import { duration, errorListener, flag, id, type Limits, limits, object } from '../core/input.js'
import type { JournalStorage } from '../core/journal/journal-storage.js'
import { type Kinds, readKinds } from '../core/kinds.js'
import { environmentPort } from '../core/journal/local-journal.js'
import { type Moment, moment } from '../core/journal/past-journal.js'
import { storagePort } from '../core/journal/storage-client.js'
import type { Strategy } from '../core/tasks/assignment.js'
import { readStrategy } from '../core/tasks/auto-assign.js'
import { retryPolicy } from '../core/tasks/task-input.js'
import type { RetryPolicy } from '../core/tasks/task.js'
import { upkeepFields, type UpkeepSettings } from '../core/journal/upkeep.js'

export interface AssignmentOptions {
  /** Also of `crew.autoAssign()`; default `bestFit()`. */
  readonly strategy?: Strategy
  /** Whether each task is assigned in the commit that makes it ready, or that frees somebody for it; default true. */
  readonly automatic?: boolean
  /**
   * What was assigned automatically and not started for so long is given to another, and its member to be missing until it
   * is seen again; not to people, who take their time. Milliseconds, default 5 minutes, at least 1 s.
   */
  readonly startWithinMs?: number
}

export interface CrewOptions<K extends Kinds = Kinds> extends UpkeepSettings, AccessOptions {
  /** Tells the crews in one storage apart; default 'crew'. */
  readonly name?: string
  /** Default: memory, gone with the process. */
  readonly storage?: JournalStorage
  readonly environment?: Environment
  /** Schemas for what tasks of each kind take and give. With them, other kinds are refused; without, a kind is only a name. */
  readonly kinds?: K
  readonly limits?: Limits
  /** Only members can be assigned, written to, or claim; default true. */
  readonly strictMembers?: boolean
  /** How long a claimed task or a received message holds without a renewal, ms; default 60 s, at least 1 s. */
  readonly leaseMs?: number
  /** By how much the wall clocks of two processes may differ, ms; default 5 minutes. */
  readonly clockSkewMs?: number
  /** For tasks without a policy of their own. */
  readonly retry?: RetryPolicy
  /** Who gets tasks that nobody has. With it, tasks are assigned as they become ready; see docs/assignment.md. */
  readonly assignment?: AssignmentOptions
  /**
   * A read-only past: the crew as it was after the commit of that number; or at that time, after the last commit before
   * the first that has a later stamp. It answers, and makes reports, as of then; commands reject with `read_only`.
   */
  readonly at?: Moment
  /**
   * When what has ended leaves memory, in every process of the crew alike: tasks, and threads of messages that nobody has
   * before them any more. Nothing that something open refers to; totals in reports stay. A setting of the crew: who opens
   * it without leaves it as it is, who opens it with another changes it, and `{}` turns it off. Default: everything stays.
   */
  readonly retention?: Retention
  /** Hears what nobody awaits: errors of listeners, handlers, timers. Default: console.error, unless somebody listens to 'error'. */
  readonly onError?: (error: unknown) => void
}

/** Options as `openCrew` is given them. */
export const crewOptions = object({
  name: id,
  storage: storagePort,
  environment: environmentPort,
  kinds: readKinds,
  limits,
  strictMembers: flag,
  ...accessFields,
  leaseMs: (value: unknown) => value as number,
  clockSkewMs: (value: unknown) => value as number,
  retry: retryPolicy,
  assignment: object({ strategy: readStrategy, automatic: flag, startWithinMs: duration(1000) }),
  at: moment,
  retention,
  onError: errorListener,
  ...upkeepFields,
})
