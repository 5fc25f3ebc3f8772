import { filledText, read } from '../core/input.js'
import { type Commit, FORMAT, type JournalEvent, type JournalStorage } from '../core/journal-storage.js'
import type { Json } from '../core/json.js'
import { storagePort } from '../core/storage-client.js'
import { Attempts } from './journal-check/attempts.js'
import { type BrokenPromise, Findings } from './journal-check/findings.js'
import { Graph } from './journal-check/graph.js'
import { Mail } from './journal-check/mail.js'
import { Membership } from './journal-check/membership.js'
import { TaskStates } from './journal-check/task-states.js'

const PAGE_COMMITS = 500

/**
 * Reads a journal, nothing else, and lists every promise that it breaks: with commit, event and rule. Folds the events
 * by itself, so that a fault of the library does not hide itself; of a journal whose beginning is trimmed, it judges what
 * it can see. Events of kinds that it does not know are passed over. Rejects when the storage does.
 */
export async function checkJournal(storage: JournalStorage, name = 'crew'): Promise<readonly BrokenPromise[]> {
  const from = read(storagePort, storage, 'storage')
  const journal = read(filledText, name, 'name')
  const first = await from.read(journal, 0, PAGE_COMMITS)
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

  constructor(trimmedTo: number) {
    const isPartial = trimmedTo > 0
    this.#last = { seq: trimmedTo, id: isPartial ? undefined : '' }
    this.#tasks = new TaskStates(this.findings, isPartial)
    this.#attempts = new Attempts(this.findings)
    this.#graph = new Graph(this.findings, this.#tasks.all)
    this.#members = new Membership(this.findings, isPartial)
    this.#mail = new Mail(this.findings, this.#members, isPartial)
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
    const { type } = event
    if (type.startsWith('task.')) {
      const step = this.#tasks.step(event)
      if (!step) return
      this.#attempts.check(step)
      this.#graph.check(step)
      this.#members.check(step)
    } else if (type.startsWith('message.')) this.#mail.check(event)
    else if (type.startsWith('member.')) this.#members.change(event)
    else if (type === 'crew.cascading') this.#graph.cascading()
    else if (type === 'crew.pruned') this.#prune(event.changes)
  }

  #prune(changes: Json): void {
    for (const id of textsIn(changes)) {
      const user = this.#graph.needs(id)
      this.findings.expect(user === undefined, 'pruning', `task ${id} is forgotten, though ${user ?? ''} is open`, id)
      this.findings.expect(
        !this.#mail.isOpen(id),
        'pruning',
        `message ${id} is forgotten, though it is not settled`,
        id,
      )
      this.#tasks.all.delete(id)
      this.#attempts.forget(id)
      this.#mail.forget(id)
    }
  }
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
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
