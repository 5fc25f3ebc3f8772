import { CrewError } from './errors.js'
import { aFunction, type Id } from './input.js'
import { freezeJson, type Json } from './json.js'
import type { Message } from './messages/message.js'
import type { Task } from './tasks/task.js'

/** What a command is about, as plain JSON: what the call says, and `taskId` or `messageId` where it is about one. */
export type Target = Readonly<Record<string, Json>>

/**
 * Whether a member may do something: true, or false or a reason for `permission_denied`. Asked within the decision, so
 * that what it reads is what is true then; perhaps several times for one call. It must answer at once and change nothing.
 */
export type Policy = (member: Id, command: string, target: Target) => boolean | string

/**
 * Whether a member can see a task or message; for who cannot, it is as if it did not exist. It must answer at once,
 * change nothing, and say the same as long as the entity and what it reads are the same. It holds for handles and calls
 * that name a member; who folds the journal sees all of it.
 */
export type CanSee = (member: Id, entity: Task | Message) => boolean

export interface AccessOptions {
  /** What members may do; default: everything. */
  readonly policy?: Policy
  /** What members can see; default: everything. */
  readonly canSee?: CanSee
}

export const accessFields = {
  policy: aFunction<Policy>('a function: (member, command, target) => true, false or a reason'),
  canSee: aFunction<CanSee>('a function: (member, entity) => true or false'),
}

/** What members may do and see. A call that names nobody is the program's own, and not asked about. */
export class Access {
  readonly #policy: Policy | undefined
  readonly #canSee: CanSee | undefined
  readonly #onError: (error: unknown) => void

  private constructor({ policy, canSee }: AccessOptions, onError: (error: unknown) => void) {
    this.#policy = policy
    this.#canSee = canSee
    this.#onError = onError
  }

  /** Undefined where nothing is forbidden and nothing hidden. */
  static of(options: AccessOptions, onError: (error: unknown) => void): Access | undefined {
    return (options.policy ?? options.canSee) && new Access(options, onError)
  }

  /** Throws `permission_denied` unless the policy says true; one that throws or says something else refuses, too. */
  permit(member: Id | undefined, command: string, target: object): void {
    if (!this.#policy || member === undefined) return
    const refuse = (why: string, cause?: unknown): never => {
      throw new CrewError('permission_denied', `${member} may not ${command}: ${why}`, { member, command }, cause)
    }
    let verdict: unknown
    try {
      verdict = this.#policy(member, command, freezeJson(target) as Target)
    } catch (error) {
      return refuse('the policy failed; mend it', error)
    }
    if (verdict === true) return
    if (typeof verdict === 'string' && verdict !== '') return refuse(verdict)
    if (verdict === false) return refuse('the policy of this crew says no; ask somebody who may')
    // Whatever a promise brings, nobody waits for it.
    if (verdict instanceof Promise) verdict.catch(this.#onError)
    return refuse('the policy must answer true, false or a reason, at once; mend it')
  }

  /** What cannot be told is not seen. */
  sees(member: Id | undefined, entity: Task | Message): boolean {
    if (!this.#canSee || member === undefined) return true
    try {
      // What only looks true, a promise say, is no answer.
      return (this.#canSee(member, entity) as unknown) === true
    } catch (error) {
      this.#onError(error)
      return false
    }
  }

  /** For indexes, which look through less where everything is seen. */
  sightOf(member: Id): ((entity: Task | Message) => boolean) | undefined {
    return this.#canSee && ((entity) => this.sees(member, entity))
  }
}
