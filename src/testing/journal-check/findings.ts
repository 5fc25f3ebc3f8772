import type { Commit, JournalEvent } from '../../core/journal/journal-storage.js'

/** What a journal promises, by the name that a broken promise is reported under. */
export type JournalRule =
  /** Commits are numbered without gaps. */
  | 'numbers'
  /** Each commit names the one before it. */
  | 'chain'
  /** An event stands once, in one commit. */
  | 'once'
  /** Commits and events have the fields that they must have, in a format that is known. */
  | 'form'
  /** A task, message or member exists before something happens to it. */
  | 'existence'
  /** Each event of a task has the next version. */
  | 'versions'
  /** A task moves only as the table says. */
  | 'transitions'
  /** Nothing but labels, metadata and comments changes in a task that has ended. */
  | 'ended'
  /** A fence grows with every attempt, and never falls. */
  | 'fences'
  /** A task has one running attempt at most: who holds it. */
  | 'one attempt'
  /** Only the running attempt writes, and an outcome is final. */
  | 'outcomes'
  /** Attempts, answers and comments are counted, and usage is the sum over all attempts. */
  | 'sums'
  /** A task starts only when its dependencies and its time allow it. */
  | 'readiness'
  /** Only those start it whom it is open to, who are available and have room. */
  | 'eligibility'
  /** No task waits for itself. */
  | 'cycles'
  /** What an end brings about is in the same commit, or what is left of it is said to be open. */
  | 'cascades'
  /** What passes a budget fails its task, and is told of its member, who starts no more. */
  | 'budgets'
  /** Tasks and messages name members only. */
  | 'members'
  /** A reply is in the thread of its message, one hop further; a question has one reply in time. */
  | 'threads'
  /** A delivery is handed out to one at a time, in time, and settled once. */
  | 'deliveries'
  /** A message to a topic goes to those who follow it in its commit. */
  | 'topics'
  /** What has a key is made once for each command and member, and is there. */
  | 'keys'
  /** Nothing is held by a session that has ended. */
  | 'sessions'
  /** What is configured for the crew is something new. */
  | 'settings'
  /** Only what nothing open needs is forgotten. */
  | 'pruning'
  /** A checkpoint is one of this journal, and nothing is trimmed that none stands for. */
  | 'checkpoints'

/** A promise that a journal breaks, and where. */
export interface BrokenPromise {
  readonly rule: JournalRule
  /** Number of the commit. */
  readonly seq: number
  /** Place of the event in its commit, 0 for the first. */
  readonly event?: number
  readonly type?: string
  /** Of the task, message or member. */
  readonly id?: string
  readonly text: string
}

/** More than anybody reads. */
const MOST = 1000

/** What was found so far, and where the check is now. */
export class Findings {
  readonly all: BrokenPromise[] = []
  #where: Omit<BrokenPromise, 'rule' | 'text'> = { seq: 0 }

  at({ seq }: Pick<Commit, 'seq'>, event?: JournalEvent, index?: number): void {
    this.#where = { seq, ...(event && index !== undefined && { event: index, type: event.type, id: event.id }) }
  }

  add(rule: JournalRule, text: string, id?: string): void {
    if (this.all.length < MOST)
      this.all.push(Object.freeze({ rule, ...this.#where, ...(id !== undefined && { id }), text }))
  }

  /** Reports unless it holds. */
  expect(holds: boolean, rule: JournalRule, text: string, id?: string): void {
    if (!holds) this.add(rule, text, id)
  }
}
