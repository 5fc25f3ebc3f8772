import type { Id } from '../input.js'
import type { MemberInfo } from '../members.js'
import type { AssignmentView, TrackRecord } from './assignment.js'
import { keyOf } from './claim-queues.js'
import { canBeGiven, type Obstacle, obstacles } from './obstacles.js'
import { inOrder } from './task-card.js'
import type { TaskDesk } from './task-desk.js'
import type { Task } from './task.js'
import { type MemberRecord, recordOf, type TrackRecords } from './track-records.js'

/** What is to be given, and how much less loads members because it is taken back from them for that. */
export interface Wanted {
  readonly tasks: readonly Task[]
  readonly takenFrom: ReadonlyMap<Id, number>
}

/** The state that a strategy decides on: members, loads and records as they are when it is made. */
export class DeskView implements AssignmentView {
  readonly now: number
  readonly tasks: readonly Task[]
  readonly members: readonly MemberInfo[]
  readonly lastGiven: Id | undefined
  readonly #desk: TaskDesk
  readonly #loads: ReadonlyMap<Id, number>
  readonly #records: ReadonlyMap<Id, MemberRecord>
  /** By what tasks require: whoever is able for one is for all, where nobody is forbidden anything. */
  readonly #able = new Map<string, readonly MemberInfo[]>()
  #open: readonly Task[] | undefined

  constructor(desk: TaskDesk, records: TrackRecords, now: number, { tasks, takenFrom }: Wanted) {
    this.#desk = desk
    this.now = now
    this.tasks = tasks
    this.members = desk.members.list()
    this.lastGiven = desk.board.index.given.last
    this.#loads = new Map(this.members.map(({ id }) => [id, desk.board.loadOf(id) - (takenFrom.get(id) ?? 0)]))
    this.#records = new Map(this.members.map(({ id }) => [id, records.of(id)]))
  }

  get open(): readonly Task[] {
    return (this.#open ??= inOrder([...this.#desk.board.all].filter(({ task }) => task.isOpen)))
  }

  load(member: Id): number {
    return this.#loads.get(member) ?? 0
  }

  able(task: Task): readonly MemberInfo[] {
    const { access } = this.#desk
    const find = (): readonly MemberInfo[] => this.members.filter((member) => canBeGiven(member, task, access))
    const key = access ? task.id : keyOf(task.requires)
    let able = this.#able.get(key)
    if (!able) this.#able.set(key, (able = Object.freeze(find())))
    return able
  }

  trackRecord(member: Id, skill?: string): TrackRecord {
    return recordOf(this.#records.get(member), skill)
  }

  task(id: Id): Task | undefined {
    return this.#desk.board.get(id)
  }

  dependents(task: Id): readonly Id[] {
    return this.#desk.board.dependents(task).flatMap(({ id, isOpen }) => (isOpen ? id : []))
  }

  /** Why the member cannot be given the task, when so much loads it. */
  obstacles(member: MemberInfo, task: Task, load: number): readonly Obstacle[] {
    return obstacles(member, task, load, this.#desk.access)
  }
}
