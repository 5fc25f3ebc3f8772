import { invalid } from '../core/errors.js'
import { anyFields, filledText, object, oneOf, read, type Reader, whole } from '../core/input.js'
import { type MessageFilter, messageFilter, passes } from '../core/messages/message-filter.js'
import type { Message } from '../core/messages/message.js'
import { matches, readFilter, type TaskFilter } from '../core/tasks/task-filter.js'
import { type Checked, checked, type Gauge, type Measure, type Measured, valueOf } from './custom-measures.js'
import { type AttemptRow, type Rows, rowsOf, timeOf } from './custom-rows.js'
import type { ReportDefinition } from './report.js'
import type { ReportView } from './report-view.js'

type Measures<R> = Readonly<Record<string, Measure<R>>>

/** What a report of one's own says: of which rows, in which groups, which figures. */
export interface CustomReport<S extends keyof Rows, M extends Measures<Rows[S]>> {
  readonly name: string
  /** `tasks` open in the window, `attempts` running in it, or `messages` sent in it. */
  readonly of: S
  /** Only these; of attempts, a filter is about their tasks. */
  readonly where?: (S extends 'messages' ? MessageFilter : TaskFilter) | ((row: Rows[S]) => boolean)
  /** A row that has several values (labels, assignees) counts in each; one that has none, in ''. Without: one group. */
  readonly groupBy?: (keyof Rows[S] & string) | ((row: Rows[S]) => string | readonly string[] | undefined)
  readonly measures: M
  /** A measure, the greatest first, or `group` (the default), by its name. */
  readonly orderBy?: (keyof M & string) | 'group'
  /** How many groups, from the first. */
  readonly limit?: number
}

export interface CustomData<M> {
  readonly rows: readonly ({ readonly group: string } & { readonly [K in keyof M]: Measured<M[K]> })[]
}

type AnyRow = Rows[keyof Rows]
type Row = Readonly<Record<string, string | number | null>> & { readonly group: string }

const aFunction = (value: unknown): value is (row: unknown) => unknown => typeof value === 'function'
const anything: Reader<unknown> = (value) => value
const reportFields = object(
  {
    name: filledText,
    of: oneOf('tasks', 'attempts', 'messages'),
    where: anything,
    groupBy: anything,
    measures: anyFields,
    orderBy: filledText,
    limit: whole(1),
  },
  ['name', 'of', 'measures'],
)

/**
 * A report of one's own for `generate` and `watch`: made in one pass. With `redact` its functions get rows without what
 * members wrote freely. Throws `invalid_input` for what cannot be, here or, for fields that rows do not have, when it is
 * generated; what its functions throw comes through.
 */
export function defineReport<S extends keyof Rows, const M extends Measures<Rows[S]>>(
  report: CustomReport<S, M>,
): ReportDefinition<CustomData<M>> {
  const { name, of, where, groupBy, measures, orderBy = 'group', limit } = read(reportFields, report, 'report')
  const all = checkedMeasures(measures)
  if (orderBy !== 'group' && !all.has(orderBy))
    throw invalid(`report.orderBy must be group, or one of the measures: ${[...all.keys()].join(', ')}`)
  const test = testOf(of, where)
  const groupsOf = grouping(groupBy)
  const definition: ReportDefinition<{ readonly rows: readonly Row[] }> = {
    name,
    run: (view) => ({ rows: ordered(figures(view, of, all, groupsOf, test(view)), orderBy).slice(0, limit) }),
    page: ({ rows }) => ({
      title: name,
      parts: [
        {
          columns: [
            typeof groupBy === 'string' ? groupBy : 'group',
            ...Array.from(all, ([measure, { unit }]) => ({ name: measure, as: unit })),
          ],
          rows: rows.map((row) => [row.group, ...Array.from(all.keys(), (measure) => row[measure] ?? undefined)]),
          empty: 'Nothing to count.',
        },
      ],
    }),
  }
  return definition as unknown as ReportDefinition<CustomData<M>>
}

function checkedMeasures(measures: Readonly<Record<string, unknown>>): ReadonlyMap<string, Checked> {
  const names = Object.keys(measures)
  if (names.length === 0) throw invalid('report.measures is empty; give one at least, such as { count: "count" }')
  for (const name of names)
    if (name === 'group' || name === '__proto__')
      throw invalid(`report.measures cannot be named ${name}; choose another`)
  return new Map(names.map((name) => [name, checked(measures[name], `report.measures.${name}`)]))
}

type Test = (row: AnyRow) => boolean

/** Which rows count: a function's word, or a filter as `list` and `messages` take it, but for order and pages. */
function testOf(of: keyof Rows, where: unknown): (view: ReportView) => Test {
  if (where === undefined) return () => () => true
  if (aFunction(where)) return () => (row) => where(row) === true
  const filter =
    of === 'messages' ? read(messageFilter, where, 'report.where') : read(readFilter, where, 'report.where')
  for (const field of ['orderBy', 'limit', 'after'])
    if (field in filter) throw invalid(`report.where has no field "${field}": a report counts all that pass`)
  if (of === 'messages') return () => (row) => passes(row as Message, filter as ReturnType<typeof messageFilter>)
  return ({ tracker, now }) => {
    const { board } = tracker.parts
    return (row) => {
      const card = board.card(of === 'attempts' ? (row as AttemptRow).taskId : (row as Rows['tasks']).id)
      return card !== undefined && matches(card, filter as ReturnType<typeof readFilter>, now)
    }
  }
}

function grouping(groupBy: unknown): (row: AnyRow) => readonly string[] {
  if (groupBy === undefined) return () => ['']
  if (typeof groupBy === 'string') return (row) => names(valueOf(row, groupBy, 'report.groupBy'))
  if (aFunction(groupBy)) return (row) => names(groupBy(row))
  throw invalid('report.groupBy must be the name of a field, or a function of a row')
}

/** The groups that a value means; what is named twice counts once. */
function names(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.length > 0 ? [...new Set(value.map(nameOf))] : ['']
  return [nameOf(value)]
}

function nameOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw invalid('report.groupBy must give texts: name a field of texts, or a function that gives them')
}

function figures(
  view: ReportView,
  of: keyof Rows,
  measures: ReadonlyMap<string, Checked>,
  groupsOf: (row: AnyRow) => readonly string[],
  test: Test,
): readonly Row[] {
  const groups = new Map<string, readonly Gauge[]>()
  let oldest = view.until
  for (const row of rowsOf(view, of)) {
    oldest = Math.min(oldest, timeOf(row))
    if (!test(row)) continue
    for (const group of groupsOf(row)) {
      let gauges = groups.get(group)
      if (!gauges) groups.set(group, (gauges = Array.from(measures.values(), (measure) => measure.gauge())))
      for (const gauge of gauges) gauge.add(row)
    }
  }
  const terms = { rule: view.percentile, windowMs: view.until - Math.max(oldest, view.window.from) }
  const keys = [...measures.keys()]
  return Array.from(groups, ([group, gauges]) => ({
    group,
    ...Object.fromEntries(gauges.map((gauge, index) => [keys[index] ?? '', gauge.value(terms)])),
  }))
}

/** The greatest first, what has no figure last; groups by their letters. */
function ordered(rows: readonly Row[], orderBy: string): readonly Row[] {
  const byName = (a: Row, b: Row): number => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0)
  if (orderBy === 'group') return [...rows].sort(byName)
  const figure = (row: Row): number => (row[orderBy] as number | null) ?? -Infinity
  return [...rows].sort((a, b) => (figure(a) === figure(b) ? byName(a, b) : figure(b) - figure(a)))
}
