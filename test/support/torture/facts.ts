import type { AttemptRecord, Commit, JournalEvent } from 'crewlog'

/** What is said of an event by who made it happen. */
function* factsOf({ type, id, changes }: JournalEvent): Iterable<string> {
  const text = (name: string): string => changes[name] as string
  if (type === 'task.created') yield `created ${id} ${text('description')}`
  if (type === 'task.progressed') yield `progressed ${String((changes['progress'] as { note?: string } | null)?.note)}`
  if (type === 'task.cancelled' || type === 'task.cancelRequested') yield `${type.slice(5)} ${id}`
  const { added = [] } = (changes['attempts'] ?? {}) as { readonly added?: readonly AttemptRecord[] }
  for (const { outcome, fence } of added) yield `${outcome ?? 'claimed'} ${id} ${fence}`
  if (type === 'message.sent') {
    const content = text('content')
    yield content.startsWith('to ') ? `replied ${id} to ${text('replyTo')}` : `sent ${id} ${content}`
    if (content.startsWith('to ')) yield `answered ${id} ${content.slice(3)}`
  }
  if (type === 'message.leased' || type === 'message.acknowledged') {
    const { recipient, count } = changes['delivery'] as { readonly recipient: string; readonly count: number }
    yield `${type.slice(8)} ${id} ${recipient} ${count}`
  }
}

/** What a journal holds, fact by fact, each with how often. */
export class Facts {
  readonly #times = new Map<string, number>()
  /** How often each command made something, by its mark. */
  readonly #made = new Map<string, number>()

  add({ events }: Commit): void {
    for (const event of events) {
      for (const fact of factsOf(event)) {
        this.#times.set(fact, (this.#times.get(fact) ?? 0) + 1)
        const [verb, , ...mark] = fact.split(' ')
        if (verb === 'created' || verb === 'sent') this.#count(`${verb} ${mark.join(' ')}`)
      }
    }
  }

  has(fact: string): boolean {
    return this.#times.has(fact)
  }

  get doubled(): readonly string[] {
    return [...this.#times, ...this.#made].flatMap(([fact, times]) => (times > 1 ? [`${fact}: ${times} times`] : []))
  }

  #count(mark: string): void {
    this.#made.set(mark, (this.#made.get(mark) ?? 0) + 1)
  }
}
