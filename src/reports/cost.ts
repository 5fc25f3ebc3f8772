import { difference, type Usage } from '../core/tasks/attempt-record.js'
import type { Id } from '../core/input.js'
import type { Task } from '../core/tasks/task.js'
import { Top } from './figures/top.js'
import { type ListSettings, moreNote, readMost } from './list-settings.js'
import { uncountedIn, uncountedNote } from './notes.js'
import { pieChart } from './render/pie-chart.js'
import { figure } from './render/markdown.js'
import type { PicturedDefinition, Table } from './report.js'
import type { ReportView } from './report-view.js'

/** What was spent on one task, by one member, on one label or one kind. */
export interface CostRow {
  /** Its id or name; empty for what has none, and of members for attempts that are too old to be remembered. */
  readonly name: string
  readonly tokens: number
  readonly cost: number
  /** Of all that was spent, by cost where there is any, else by tokens: 0–1. Those of labels can sum to more, as a task can have several. */
  readonly share: number
  /** In so many tasks. */
  readonly tasks: number
}

export interface CostData {
  readonly total: { readonly tokens: number; readonly cost: number; readonly tasks: number }
  /** The dearest first. */
  readonly byTask: readonly (CostRow & {
    /** Its title or the beginning of its description; empty for outsiders. */
    readonly title: string
  })[]
  readonly byMember: readonly CostRow[]
  /** None for outsiders. */
  readonly byLabel: readonly CostRow[]
  readonly byKind: readonly CostRow[]
  /** Tasks that are forgotten (`retention`), and not counted in this. */
  readonly uncounted: number
}

/** Tokens and money by task, member, label and kind: of attempts that ended in the window, or still run at its end. */
export function cost(settings: ListSettings = {}): PicturedDefinition<CostData> {
  const most = readMost(settings)
  return {
    name: 'cost',

    run(view) {
      const ledger = new Ledger(most)
      for (const [place, task] of view.tasks.entries()) enter(ledger, view, task, place)
      const { tokens, cost, tasks } = ledger.total
      const share = (spent: Money): number => (cost > 0 ? spent.cost / cost : tokens > 0 ? spent.tokens / tokens : 0)
      const rows = (accounts: ReadonlyMap<string, Account>): readonly CostRow[] =>
        Array.from(accounts, ([name, account]) => ({ name, ...account.figures, share: share(account) }))
          .sort(byMoney)
          .slice(0, most)
      return {
        total: { tokens, cost, tasks },
        byTask: ledger.dearest.list().map(({ task, name, ...spent }) => ({
          name,
          title: view.named(task),
          ...spent,
          share: share(spent),
          tasks: 1,
        })),
        byMember: rows(ledger.byMember),
        byLabel: view.redact ? [] : rows(ledger.byLabel),
        byKind: rows(ledger.byKind),
        uncounted: uncountedIn(view),
      }
    },

    page: ({ total, byTask, byMember, byLabel, byKind, uncounted }) => ({
      title: 'Cost',
      parts: [
        `Spent on ${total.tasks} tasks: ${figure(total.tokens)} tokens, ${figure(total.cost)} in money.`,
        tableOf('By member', byMember),
        tableOf('By kind', byKind),
        tableOf('By label', byLabel),
        tableOf('By task', byTask),
        ...moreNote(total.tasks, byTask.length, 'tasks'),
        ...uncountedNote(uncounted),
      ],
    }),

    chart: ({ total, byMember }) =>
      pieChart({
        title: total.cost > 0 ? 'Cost by member' : 'Tokens by member',
        slices: byMember.map(({ name, cost, tokens }) => ({
          name: name || 'others',
          value: total.cost > 0 ? cost : tokens,
        })),
      }),
  }
}

const tableOf = (title: string, rows: readonly CostRow[]): Table => ({
  title,
  columns: [
    'Name',
    { name: 'Tokens', as: 'number' },
    { name: 'Cost', as: 'number' },
    { name: 'Share', as: 'share' },
    { name: 'Tasks', as: 'number' },
  ],
  rows: rows.map(({ name, tokens, cost, share, tasks }) => [name || '(none)', tokens, cost, share, tasks]),
  empty: 'Nothing was spent.',
})

interface Money {
  readonly tokens: number
  readonly cost: number
}

const byMoney = (a: Money & { readonly name: string }, b: Money & { readonly name: string }): number =>
  b.cost - a.cost || b.tokens - a.tokens || (a.name < b.name ? -1 : 1)

/** What was spent for one purpose, and in how many tasks. */
class Account implements Money {
  tokens = 0
  cost = 0
  #tasks = 0
  #last = -1

  /** By the task at that place of the list. */
  book({ tokens = 0, cost = 0 }: Usage, place: number): void {
    this.tokens += tokens
    this.cost += cost
    if (this.#last !== place) this.#tasks++
    this.#last = place
  }

  get tasks(): number {
    return this.#tasks
  }

  get figures(): Money & { readonly tasks: number } {
    const { tokens, cost, tasks } = this
    return { tokens, cost, tasks }
  }
}

interface Spent extends Money {
  readonly name: Id
  readonly task: Task
}

class Ledger {
  readonly total = new Account()
  readonly byMember = new Map<Id, Account>()
  readonly byLabel = new Map<string, Account>()
  readonly byKind = new Map<string, Account>()
  readonly dearest: Top<Spent>

  constructor(most: number) {
    this.dearest = new Top<Spent>(most, byMoney)
  }
}

function accountOf(accounts: Map<string, Account>, name: string): Account {
  let account = accounts.get(name)
  if (!account) accounts.set(name, (account = new Account()))
  return account
}

/** Books what was spent on one task, to the member of each attempt. */
function enter(ledger: Ledger, view: ReportView, task: Task, place: number): void {
  let tokens = 0
  let cost = 0
  const book = (member: Id, usage: Usage): void => {
    accountOf(ledger.byMember, member).book(usage, place)
    tokens += usage.tokens ?? 0
    cost += usage.cost ?? 0
  }
  for (const { member, endedAt, usage } of task.attempts)
    if (!isEmpty(usage) && view.isEndedIn(endedAt)) book(member, usage)
  // When those ended that the task does not remember nobody knows.
  if (view.isOpenEnded && task.attemptCount > task.attempts.length) {
    const rest = difference(task.usage, { tokens, cost })
    if (!isEmpty(rest)) book('', rest)
  }
  const spent = { tokens, cost }
  if (isEmpty(spent)) return
  const { id, kind = '', labels } = task
  ledger.total.book(spent, place)
  accountOf(ledger.byKind, kind).book(spent, place)
  for (const label of labels.length > 0 ? labels : ['']) accountOf(ledger.byLabel, label).book(spent, place)
  ledger.dearest.add({ name: id, task, ...spent })
}

const isEmpty = ({ tokens = 0, cost = 0 }: Usage): boolean => tokens === 0 && cost === 0
