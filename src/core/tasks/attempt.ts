import type { CrewError } from '../errors.js'
import { anyFields, type Id, read, withMore } from '../input.js'
import type { Json } from '../json.js'
import type { Answer, Task } from './task.js'
import type {
  CompleteOptions,
  FailOptions,
  Fenced,
  ProgressOptions,
  ReleaseOptions,
  WaitOptions,
} from './task-input.js'

/** Where an attempt writes to. */
export interface AttemptWrites {
  progress(id: Id, options: ProgressOptions & Fenced): Promise<Task>
  complete(id: Id, options: CompleteOptions & Fenced): Promise<Task>
  fail(id: Id, options: FailOptions & Fenced): Promise<Task>
  release(id: Id, options: ReleaseOptions & Fenced): Promise<Task>
  wait(id: Id, options: WaitOptions & Fenced): Promise<Task>
  /** Milliseconds until its lease runs out, if it is not renewed. */
  expiresInMs(attempt: Attempt): number
}

/**
 * One try at a task by one member. Its fence goes with every write, so that once the attempt is over each is refused
 * with `stale_attempt` and has no effect.
 */
export class Attempt<Input = Json | undefined, Result = Json> {
  /** As it was claimed. */
  readonly task: Task<Input>
  readonly member: Id
  /** 1 for the first attempt at the task. */
  readonly number: number
  readonly fence: number
  readonly #writes: AttemptWrites
  #controller: AbortController | undefined
  #ending: { readonly reason?: CrewError } | undefined

  /** The one that runs, or an earlier one. @internal */
  constructor(
    task: Task<Input>,
    writes: AttemptWrites,
    { member, number, fence }: Pick<Attempt, 'member' | 'number' | 'fence'> = {
      member: task.holder ?? '',
      number: task.attemptCount,
      fence: task.fence,
    },
  ) {
    this.task = task
    this.member = member
    this.number = number
    this.fence = fence
    this.#writes = writes
  }

  /** Aborts with a CrewError: `cancelled`, `timed_out`, `budget_spent`, `stale_attempt` or `closed`. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#ending?.reason) this.#controller.abort(this.#ending.reason)
    }
    return this.#controller.signal
  }

  /** Until its lease runs out, if it is not renewed; this process renews it while the crew is open. */
  get expiresInMs(): number {
    return this.isOver ? 0 : this.#writes.expiresInMs(this as unknown as Attempt)
  }

  /** The newest answer to what this task waited for. */
  get answer(): Answer | undefined {
    return this.task.answers.at(-1)
  }

  /** Who handed the task over to this attempt, and what they said. */
  get handedOver(): { readonly by: Id; readonly note: string; readonly to: readonly Id[] } | undefined {
    const { member: by = '', handedTo: to, reason: note = '' } = this.task.attempts.at(-2) ?? {}
    return to && { by, note, to }
  }

  /** Whether it has an outcome, its own or one that came over it. */
  get isOver(): boolean {
    return this.#ending !== undefined
  }

  async progress(options: ProgressOptions): Promise<Task> {
    return this.#writes.progress(this.task.id, this.#fenced(options))
  }

  /** With reviewers, the task waits for their verdict. */
  async complete(options: CompleteOptions<Result> = {}): Promise<Task> {
    return this.#writes.complete(this.task.id, this.#fenced(options as CompleteOptions))
  }

  /** The task is tried again after a pause, or has failed. */
  async fail(options: FailOptions): Promise<Task> {
    return this.#writes.fail(this.task.id, this.#fenced(options))
  }

  /** Gives the task back, at no charge; the eleventh time in a row counts as a failure. */
  async release(options: ReleaseOptions = {}): Promise<Task> {
    return this.#writes.release(this.task.id, this.#fenced(options))
  }

  /** The task waits for somebody's answer; the attempt is over, another one goes on with the `answer`. */
  async wait(options: WaitOptions): Promise<Task> {
    return this.#writes.wait(this.task.id, this.#fenced(options))
  }

  /** What is written, with the right to write it. */
  #fenced<T extends object>(options: T): T & Fenced {
    // In a log that went back, another may have come by the same number.
    if (this.#ending?.reason?.code === 'stale_attempt') throw this.#ending.reason
    return withMore(read(anyFields, options, 'options') as T, { fence: this.fence })
  }

  /** It has an outcome; with a reason when it did not give it itself. @internal */
  end(reason?: CrewError): void {
    if (this.#ending) return
    this.#ending = reason ? { reason } : {}
    if (reason) this.#controller?.abort(reason)
  }

  /** Asks the handler to stop; the attempt goes on until it has an outcome. @internal */
  abort(reason: CrewError): void {
    // Only a handler that looks at the signal can hear.
    if (!this.signal.aborted) this.#controller?.abort(reason)
  }
}
