import { number, object, read } from '../core/input.js'
import type { AssignmentView, Strategy } from '../core/tasks/assignment.js'
import type { MemberInfo } from '../core/members.js'
import type { Task } from '../core/tasks/task.js'
import { greedy } from './strategy.js'

/** How much each part counts, against the others; 0 leaves it out. */
export interface BestFitWeights {
  /** The mean of its levels in the required skills; 1 where none is required. Default 4. */
  readonly expertise?: number
  /** The share of its capacity that is free. Default 3. */
  readonly load?: number
  /** How often its attempts at such tasks succeed: (successes + 1) / (attempts + 2). Default 2. */
  readonly trackRecord?: number
  /** Whether it is fast enough: time left over the time that it takes, at most 1; 1 without a due date. Default 1. */
  readonly deadline?: number
}

const weight = number(0, 1e6)
const readOptions = object({
  weights: object({ expertise: weight, load: weight, trackRecord: weight, deadline: weight }),
})
const DEFAULTS: Required<BestFitWeights> = { expertise: 4, load: 3, trackRecord: 2, deadline: 1 }

/**
 * To whoever suits it best: the sum of expertise, free capacity, track record and speed, each from 0 to 1 and weighed. This
 * is simple additive weighting (Fishburn 1967; Hwang and Yoon, Multiple Attribute Decision Making, 1981); the weights are
 * scaled so that they sum to 1, and scores are from 0 to 1. A success rate is counted by Laplace's rule of succession, so
 * that who has done nothing yet counts 0.5 and one success proves little.
 */
export function bestFit(options: { readonly weights?: BestFitWeights } = {}): Strategy {
  const { weights } = read(readOptions, options, 'options')
  const shares = sharesOf({ ...DEFAULTS, ...weights })
  return (view) => greedy(view, (task, member, load) => partsOf(view, shares, task, member, load))
}

function sharesOf(weights: Required<BestFitWeights>): Required<BestFitWeights> {
  const { expertise, load, trackRecord, deadline } = weights
  const sum = expertise + load + trackRecord + deadline || 1
  return { expertise: expertise / sum, load: load / sum, trackRecord: trackRecord / sum, deadline: deadline / sum }
}

function partsOf(
  view: AssignmentView,
  shares: Required<BestFitWeights>,
  task: Task,
  member: MemberInfo,
  load: number,
): Readonly<Record<string, number>> {
  const skills = Object.keys(task.requires)
  return {
    expertise: shares.expertise * mean(skills.map((skill) => member.skills[skill] ?? 0)),
    load: shares.load * ((member.capacity - load) / member.capacity),
    trackRecord: shares.trackRecord * successOf(view, member, skills),
    deadline: shares.deadline * inTime(view, task, member, skills),
  }
}

/** Laplace's rule of succession, in the mean over the required skills. */
function successOf(view: AssignmentView, { id }: MemberInfo, skills: readonly string[]): number {
  const share = (skill?: string): number => {
    const { finished, successRate } = view.trackRecord(id, skill)
    return (finished * successRate + 1) / (finished + 2)
  }
  return skills.length === 0 ? share() : mean(skills.map(share))
}

/** By how long such attempts took it so far, else by the estimate; 1 where neither is known. */
function inTime(
  view: AssignmentView,
  { dueAt, estimateMs = 0 }: Task,
  { id }: MemberInfo,
  skills: readonly string[],
): number {
  if (dueAt === undefined) return 1
  const known = (skills.length === 0 ? [undefined] : skills)
    .map((skill) => view.trackRecord(id, skill).meanMs)
    .filter((ms) => ms > 0)
  const takesMs = known.length === 0 ? estimateMs : mean(known)
  const leftMs = Math.max(0, dueAt - view.now)
  return takesMs <= leftMs ? 1 : leftMs / takesMs
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 1 : values.reduce((sum, value) => sum + value, 0) / values.length
