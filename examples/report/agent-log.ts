import { InputError } from '../demo/input-error.js'
import { isFields, textOf, type Fields } from '../demo/json-value.js'
import { type Line, readLines } from './json-lines.js'

/** What a crew of agents did, as its board and the log of its changes tell. Times are milliseconds since the epoch. */
export interface AgentLog {
  readonly issues: readonly Issue[]
  /** In the order of the log. */
  readonly entries: readonly Entry[]
  /** That one issue of the board waits for another. */
  readonly blocks: readonly Edge[]
  readonly comments: readonly Remark[]
  /** What was put right in reading. */
  readonly notes: readonly string[]
}

/** An issue as the board has it in the end. */
export interface Issue {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly type: string
  readonly status: string
  /** 0 is the most urgent. */
  readonly priority: number
  readonly labels: readonly string[]
  readonly assignee: string | undefined
  readonly createdBy: string | undefined
  readonly createdAt: number
  readonly closedAt: number | undefined
}

/** One change of an issue, and who made it. */
export interface Entry {
  readonly issueId: string
  readonly actor: string
  readonly at: number
  /** `status_changed`, `closed`, `reopened`, `updated` and the like. */
  readonly type: string
  readonly status: string | undefined
  /** Null where it is taken from whoever had it; undefined where it stays. */
  readonly assignee: string | null | undefined
}

interface Edge {
  readonly issueId: string
  readonly on: string
}

interface Remark {
  readonly issueId: string
  readonly author: string
  readonly text: string
  readonly at: number
}

const QUARTER_MS = 15 * 60_000

/**
 * Reads a folder with issues.jsonl and, where they are there, events, dependencies, comments and labels, each as JSON
 * lines, also gzipped. Throws InputError.
 */
export async function readAgentLog(folder: string): Promise<AgentLog> {
  const notes: string[] = []
  const read = (name: string): Promise<readonly Line[]> => readLines(folder, name, notes)
  const labels = labelsByIssue(await read('labels'))
  const issues = (await read('issues')).map((line) => issueOf(line, labels))
  if (issues.length === 0) throw new InputError(`${folder} has no issue in an issues.jsonl`)
  const board = new Set(issues.map(({ id }) => id))
  if (board.size < issues.length) throw new InputError('issues.jsonl has an id twice')
  const isOnBoard = ({ issueId }: { readonly issueId: string }): boolean => board.has(issueId)
  const entries = (await read('events')).map(entryOf).filter(isOnBoard)
  const behindMs = clockDifference(issues, entries)
  if (behindMs !== 0)
    notes.push(`The clock of the events is ${behindMs / 3_600_000} h behind that of the board: put right`)
  return {
    issues,
    entries: entries.map((entry) => ({ ...entry, at: entry.at + behindMs })),
    blocks: (await read('dependencies')).flatMap(edgeOf).filter((edge) => isOnBoard(edge) && board.has(edge.on)),
    comments: (await read('comments')).map(remarkOf).filter(isOnBoard),
    notes,
  }
}

function labelsByIssue(lines: readonly Line[]): ReadonlyMap<string, readonly string[]> {
  const labels = new Map<string, string[]>()
  for (const line of lines) {
    const id = line.text('issue_id')
    labels.set(id, [...(labels.get(id) ?? []), line.text('label')])
  }
  return labels
}

function issueOf(line: Line, labels: ReadonlyMap<string, readonly string[]>): Issue {
  const id = line.text('id')
  const {
    title,
    description,
    issue_type: type,
    priority,
    assignee,
    created_by: createdBy,
    closed_at: closedAt,
  } = line.fields
  return {
    id,
    title: textOf(title) ?? id,
    description: textOf(description) ?? textOf(title) ?? id,
    type: textOf(type) ?? 'task',
    status: line.text('status'),
    priority: typeof priority === 'number' ? priority : 2,
    labels: labels.get(id) ?? [],
    assignee: textOf(assignee),
    createdBy: textOf(createdBy),
    createdAt: line.time('created_at'),
    closedAt: textOf(closedAt) === undefined ? undefined : line.time('closed_at'),
  }
}

function entryOf(line: Line): Entry {
  const { new_value: value, event_type: type } = line.fields
  const changed = type === 'status_changed' ? changesOf(value) : {}
  return {
    issueId: line.text('issue_id'),
    actor: line.text('actor'),
    at: line.time('created_at'),
    type: line.text('event_type'),
    status: textOf(changed['status']),
    assignee: 'assignee' in changed ? (textOf(changed['assignee']) ?? null) : undefined,
  }
}

/** What an entry changes is JSON in a text. */
function changesOf(value: unknown): Fields {
  try {
    const changes: unknown = JSON.parse(String(value))
    return isFields(changes) ? changes : {}
  } catch {
    return {}
  }
}

const edgeOf = (line: Line): readonly Edge[] =>
  line.fields['type'] === 'blocks' ? [{ issueId: line.text('issue_id'), on: line.text('depends_on_id') }] : []

const remarkOf = (line: Line): Remark => ({
  issueId: line.text('issue_id'),
  author: line.text('author'),
  text: line.text('text'),
  at: line.time('created_at'),
})

/** By how much the clock of the log is behind the board's, in whole quarters of an hour: what most closings say. */
function clockDifference(issues: readonly Issue[], entries: readonly Entry[]): number {
  const closedIn = new Map(entries.filter(({ type }) => type === 'closed').map(({ issueId, at }) => [issueId, at]))
  const votes = new Map<number, number>()
  for (const { id, closedAt } of issues) {
    const loggedAt = closedIn.get(id)
    if (closedAt === undefined || loggedAt === undefined) continue
    const difference = Math.round((closedAt - loggedAt) / QUARTER_MS) * QUARTER_MS
    votes.set(difference, (votes.get(difference) ?? 0) + 1)
  }
  const [most = [0]] = [...votes].sort(([, a], [, b]) => b - a)
  return most[0]
}
