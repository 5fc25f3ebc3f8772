import type { Id } from 'crewlog'
import { SET_ASIDE, type Board, type BoardTask } from './board.js'
import { dependencyOrder } from './dependency-order.js'
import { InputError } from './input-error.js'
import { isFields, listOf, textOf, type Fields } from './json-value.js'

/** One line of a board. */
interface Issue {
  readonly id: Id
  readonly status: string
  readonly createdAt: Instant
  readonly blockedBy: readonly Id[]
  readonly fields: Fields
}

/** Seconds since the epoch, and nanoseconds: the boards tell more than a Date can hold. */
interface Instant {
  readonly seconds: number
  readonly nanoseconds: number
}

const WORKABLE = ['open', 'in_progress']

/** Reads a board of JSON lines, one issue each. Only `blocks` edges to issues of the board order work. */
export function readBoard(name: string, text: string): Board {
  const issues = text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [readIssue(line, index + 1)]))
    .sort((a, b) => compareInstants(a.createdAt, b.createdAt) || compareIds(a.id, b.id))
  const byId = new Map(issues.map((issue) => [issue.id, issue]))
  if (byId.size < issues.length) {
    const twice = issues.find((issue) => byId.get(issue.id) !== issue)
    throw new InputError(`the id ${twice?.id ?? ''} is there twice`)
  }
  const order = dependencyOrder(new Map(issues.map(({ id, blockedBy }) => [id, blockedBy])))
  return {
    name,
    tasks: issues.map((issue) => taskOf(issue, byId)),
    closed: order.filter((id) => byId.get(id)?.status === 'closed'),
    edges: issues.reduce((sum, { blockedBy }) => sum + blockedBy.length, 0),
    isSimulated: false,
  }
}

function readIssue(line: string, number: number): Issue {
  const wrong = (what: string): InputError => new InputError(`line ${number} ${what}`)
  let fields: unknown
  try {
    fields = JSON.parse(line)
  } catch {
    throw wrong('is no JSON')
  }
  if (!isFields(fields)) throw wrong('is no JSON object')
  const { id, status } = fields
  if (textOf(id) === undefined) throw wrong('has no id')
  if (textOf(status) === undefined) throw wrong('has no status')
  const createdAt = readInstant(fields['created_at'])
  if (!createdAt) throw wrong('has no created_at with date, time and zone')
  const blockedBy = listOf(fields['dependencies']).flatMap((edge) => (isFields(edge) && isBlocks(edge) ? [edge] : []))
  return {
    id: id as Id,
    status: status as string,
    createdAt,
    blockedBy: blockedBy.map((edge) => edge['depends_on_id'] as Id),
    fields,
  }
}

const isBlocks = (edge: Fields): boolean => edge['type'] === 'blocks' && textOf(edge['depends_on_id']) !== undefined

function taskOf({ id, status, blockedBy, fields }: Issue, byId: ReadonlyMap<Id, Issue>): BoardTask {
  const { title, description, priority, issue_type: kind, labels, assignee, dependencies } = fields
  const text = textOf(description)
  const isClosed = status === 'closed'
  const isWorkable = WORKABLE.includes(status)
  const isOrdering = (on: Id): boolean => {
    const target = byId.get(on)
    // Whoever closed an issue before what it waited for has overruled that edge; what is set aside waits for nobody.
    return target !== undefined && (isWorkable || target.status === 'closed')
  }
  return {
    id,
    description: text ?? textOf(title) ?? id,
    ...(textOf(title) !== undefined && { title: title as string }),
    ...(textOf(kind) !== undefined && { kind: kind as string }),
    // 0 is the most urgent there; here the higher is taken first.
    priority: typeof priority === 'number' ? 4 - priority : 2,
    dependsOn: [...new Set(blockedBy)].filter(isOrdering),
    labels: listOf(labels).flatMap((label) => textOf(label) ?? []),
    ...(!isWorkable && !isClosed && SET_ASIDE),
    metadata: {
      status,
      ...(textOf(assignee) !== undefined && { assignee: assignee as string }),
      links: listOf(dependencies).flatMap((edge) =>
        isFields(edge) ? [{ type: textOf(edge['type']) ?? '', on: textOf(edge['depends_on_id']) ?? '' }] : [],
      ),
    },
  }
}

/** ISO 8601 with any number of digits of a second. */
function readInstant(value: unknown): Instant | undefined {
  const [, start, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(textOf(value) ?? '') ?? []
  const ms = start === undefined || zone === undefined ? NaN : Date.parse(start + zone)
  return Number.isNaN(ms) ? undefined : { seconds: ms / 1000, nanoseconds: Number(fraction.slice(0, 9).padEnd(9, '0')) }
}

const compareInstants = (a: Instant, b: Instant): number => a.seconds - b.seconds || a.nanoseconds - b.nanoseconds

/** By code unit, as no locale of a machine may change the order. */
export const compareIds = (a: Id, b: Id): number => (a < b ? -1 : a > b ? 1 : 0)
