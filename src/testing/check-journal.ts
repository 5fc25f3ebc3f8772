import { notFound } from '../core/errors.js'
import { filledText, read } from '../core/input.js'
import { type Commit, FORMAT, type JournalEvent, type JournalStorage } from '../core/journal/journal-storage.js'
import { storagePort } from '../core/journal/storage-client.js'
import { Attempts } from './journal-check/attempts.js'
import { Budgets } from './journal-check/budgets.js'
import { type BrokenPromise, Findings } from './journal-check/findings.js'
import { Graph } from './journal-check/graph.js'
import { Keys } from './journal-check/keys.js'
import { Mail } from './journal-check/mail.js'
import { Membership } from './journal-check/membership.js'
import { Pruning } from './journal-check/pruning.js'
import { Sessions } from './journal-check/sessions.js'
import { TaskStates } from './journal-check/task-states.js'

const PAGE_COMMITS = 500

/**
 * Reads a journal, nothing else, and lists every promise that it breaks: with commit, event and rule. Folds the events
 * by itself, so that a fault of the library does not hide itself; of a journal whose beginning is trimmed, it judges what
 * it can see. Events of kinds that it does not know are passed over. Rejects when the storage does, and with `not_found`
 * when there is no such journal.
 */
export async function checkJournal(storage: JournalStorage, name = 'crew'): Promise<readonly BrokenPromise[]> {
  const from = read(storagePort, storage, 'storage')
  const journal = read(filledText, name, 'name')
  const first = await from.read(journal, 0, PAGE_COMMITS)
  if ('commits' in first && first.commits.length === 0)
    throw notFound('Journal', journal, '; a journal has the name of its crew: checkJournal(storage, crew.name)')
  const trimmedTo = 'trimmedTo' in first ? first.trimmedTo : 0
  const check = new JournalCheck(trimmedTo)
  for (let after = trimmedTo; ;) {
    const run = await from.read(journal, after, PAGE_COMMITS)
    const commits = 'commits' in run ? run.commits : []
    for (const commit of commits) check.commit(commit)
    const last = commits.at(-1)
    if (!last || last.seq <= after) break
    after = last.seq
  }
  await checkCheckpoints(from, journal, check, trimmedTo)
  return Object.freeze(check.findings.all)
}

/** The check of one journal, commit by commit. */
class JournalCheck {
  readonly findings = new Findings()
  /** Ids of commits, by number. */
  readonly ids = new Map<number, string>()
  readonly #seen = new Set<string>()
  #last: { readonly seq: number; readonly id: string | undefined }
  readonly #tasks: TaskStates
  readonly #attempts: Attempts
  readonly #graph: Graph
  readonly #members: Membership
  readonly #mail: Mail
  readonly #keys: Keys
  readonly #sessions: Sessions
  readonly #budgets: Budgets
  readonly #pruning: Pruning
  /** What is configured, by name. */
  readonly #settings = new Map<string, string>()

  constructor(trimmedTo: number) {
    const isPartial = trimmedTo > 0
    const { findings } = this
    this.#last = { seq: trimmedTo, id: isPartial ? undefined : '' }
    const tasks = new TaskStates(findings, isPartial)
    const attempts = new Attempts(findings)
    const graph = new Graph(findings, tasks.all, isPartial)
    const budgets = new Budgets(findings, isPartial)
    this.#tasks = tasks
    this.#attempts = attempts
    this.#graph = graph
    this.#budgets = budgets
    this.#members = new Membership(findings, isPartial)
    this.#sessions = new Sessions(findings)
    const mail = new Mail(findings, this.#members, this.#sessions, isPartial)
    const keys = new Keys(findings, tasks.all, mail, isPartial)
    this.#mail = mail
    this.#keys = keys
    this.#pruning = new Pruning(findings, isPartial, { tasks: tasks.all, graph, mail, keys, attempts, budgets })
  }

  commit(commit: Commit): void {
    const { findings } = this
    const { seq, id, prev, format, at, events } = commit
    findings.at(commit)
    findings.expect(seq === this.#last.seq + 1, 'numbers', `commit ${seq} comes after ${this.#last.seq}`)
    findings.expect(
      this.#last.id === undefined || prev === this.#last.id,
      'chain',
      `it names ${JSON.stringify(prev)} as the one before, which is ${JSON.stringify(this.#last.id)}`,
    )
    findings.expect(!this.#seen.has(id), 'once', `a commit ${id} is there already`)
    findings.expect(events.length > 0, 'form', 'it has no events')
    this.#last = { seq, id }
    this.#seen.add(id)
    this.ids.set(seq, id)
    if (format !== FORMAT) {
      findings.add('form', `it has format ${format}, not ${FORMAT}`)
      return
    }
    for (const [index, event] of events.entries()) {
      findings.at(commit, event, index)
      if (this.#isWhole(event, at)) this.#event(event)
    }
    findings.at(commit)
    this.#graph.endCommit()
    this.#budgets.endCommit()
    this.#keys.endCommit()
  }

  #isWhole(event: JournalEvent, committedAt: number): boolean {
    const { type, id, at, changes } = event as { readonly [K in keyof JournalEvent]: unknown }
    const isWhole =
      typeof type === 'string' &&
      type.includes('.') &&
      typeof id === 'string' &&
      at === committedAt &&
      typeof changes === 'object' &&
      changes !== null
    this.findings.expect(isWhole, 'form', 'an event needs type, id, changes, and the time of its commit')
    return isWhole
  }

  #event(event: JournalEvent): void {
    const { type, id } = event
    if (type === 'task.created' || type === 'message.sent') this.#keys.made(id)
    if (type.startsWith('task.')) {
      const step = this.#tasks.step(event)
      if (!step) return
      this.#attempts.check(step)
      this.#graph.check(step)
      this.#members.check(step)
      this.#sessions.check(step)
      this.#budgets.check(step)
    } else if (type.startsWith('message.')) this.#mail.check(event)
    else if (type.startsWith('member.')) {
      this.#members.change(event)
      this.#budgets.member(event)
    } else if (type === 'key.used') this.#keys.use(event)
    else if (type === 'session.ended') this.#sessions.end(id)
    else if (type === 'crew.cascading') this.#graph.cascading(event)
    else if (type === 'crew.pruned') this.#pruning.check(event)
    else if (type === 'crew.configured') this.#configure(event)
  }

  #configure({ changes }: JournalEvent): void {
    const entries = Object.entries(changes).map(([name, value]) => [name, JSON.stringify(value)] as const)
    this.findings.expect(
      entries.some(([name, value]) => this.#settings.get(name) !== value),
      'settings',
      `is configured as it was before: ${JSON.stringify(changes)}`,
    )
    for (const [name, value] of entries) this.#settings.set(name, value)
  }
}

async function checkCheckpoints(
  storage: JournalStorage,
  journal: string,
  { findings, ids }: JournalCheck,
  trimmedTo: number,
): Promise<void> {
  let newest = 0
  for (let kept = await storage.loadCheckpoint(journal); kept; kept = await storage.loadCheckpoint(journal, kept.seq)) {
    const { seq, id, parts } = kept
    newest ||= seq
    findings.at({ seq })
    findings.expect(
      seq <= trimmedTo || ids.get(seq) === id,
      'checkpoints',
      `a checkpoint was made at commit ${seq}, ${id}; the journal has ${ids.get(seq) ?? 'none'} there`,
    )
    for await (const part of parts)
      findings.expect(isJson(part), 'checkpoints', `a part of the checkpoint at ${seq} is no JSON`)
  }
  findings.at({ seq: trimmedTo })
  findings.expect(
    newest >= trimmedTo,
    'checkpoints',
    `commits up to ${trimmedTo} are gone, and the newest checkpoint is of ${newest}`,
  )
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
