import type { Policy, Target } from '../core/access.js'
import { type Id, id, oneOf, read, record } from '../core/input.js'

/**
 * What somebody is in a crew. An observer reads its mail and follows topics. A worker also claims, works, talks to those
 * whom it names, answers what it is asked, asks for help, takes what it is offered, hands off what it has, and makes
 * parts of tasks. A lead may do everything: new work, assigning, offering, cancelling, broadcasts.
 */
export type Role = 'lead' | 'worker' | 'observer'

const OBSERVER = ['join', 'leave', 'receive', 'acknowledge', 'giveBack', 'follow', 'unfollow'] as const
const WORKER = [
  ...OBSERVER,
  'setAvailability',
  'send',
  'reply',
  'ask',
  'publish',
  'comment',
  'claim',
  'start',
  'progress',
  'complete',
  'fail',
  'release',
  'wait',
  'resume',
  'review',
  'request',
  'accept',
  'decline',
  'handOff',
  'askForHelp',
] as const
const COMMANDS: Readonly<Record<Exclude<Role, 'lead'>, ReadonlySet<string>>> = {
  observer: new Set(OBSERVER),
  worker: new Set(WORKER),
}

const role = oneOf('lead', 'worker', 'observer')
const readRoles = record(role)

/**
 * A policy by roles: `rolePolicy({ ana: 'lead', bo: 'worker' })`. Whoever is not named has the role `others`; without one
 * it may do nothing, not even join. What is not listed for a role is refused, commands of later releases included.
 */
export function rolePolicy(roles: Readonly<Record<Id, Role>>, others?: Role): Policy {
  // A map, as in an object every name has a `constructor`.
  const byMember = new Map(Object.entries(read(readRoles, roles, 'roles')))
  const rest = others === undefined ? undefined : read(role, others, 'others')
  return (member, command, target) => {
    const given = byMember.get(member) ?? rest
    if (given === 'lead') return true
    if (given === undefined) return `${read(id, member, 'member')} has no role in this crew`
    if (COMMANDS[given].has(command) || (given === 'worker' && makesParts(command, target))) return true
    return `that is not for ${given === 'worker' ? 'a worker; ask a lead' : 'an observer; ask a worker or a lead'}`
  }
}

/** New work, but only as parts of what there is, and given to nobody. */
function makesParts(command: string, target: Target): boolean {
  const drafts =
    command === 'create' ? [target] : command === 'createMany' ? (target['drafts'] as readonly Target[]) : []
  return drafts.length > 0 && drafts.every((draft) => 'parentId' in draft && !('assignees' in draft))
}
