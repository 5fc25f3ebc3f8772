import { until } from './abortable.js'
import { CrewError, invalid } from './errors.js'
import { json, type Limits, object, type Reader, record, wrong } from './input.js'
import type { Json } from './json.js'
import type { LocalJournal } from './journal/local-journal.js'
import type { Given, TaskDraft } from './tasks/task-input.js'
import type { Task } from './tasks/task.js'
import { Waits } from './waits.js'

/** A schema of any library with the [Standard Schema](https://standardschema.dev) interface: valibot, zod, arktype … */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    validate(value: unknown): unknown
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What tasks of one kind take and give. */
export interface Kind {
  readonly input?: StandardSchema
  readonly result?: StandardSchema
}
/** Kinds by name. */
export type Kinds = Readonly<Record<string, Kind>>

/** What a schema takes; any JSON where it does not say. */
export type Taken<S> = S extends StandardSchema<infer Input, unknown> ? Known<Input> : Json | undefined
/** What a schema makes of it, which is what a task keeps. */
export type Kept<S> = S extends StandardSchema<unknown, infer Output> ? Known<Output> : Json | undefined
type Known<T> = unknown extends T ? Json | undefined : T

/** A draft of one of these kinds, or of none; of any kind where none is registered. */
export type DraftOf<K extends Kinds> = string extends keyof K
  ? TaskDraft
  : | (Omit<TaskDraft, 'kind'> & { readonly kind?: never })
    | {
        [N in keyof K & string]: Omit<TaskDraft, 'kind' | 'input'> & { readonly kind: N } & InputOf<
            Taken<K[N]['input']>
          >
      }[keyof K & string]
type InputOf<T> = undefined extends T ? { readonly input?: T } : { readonly input: T }

/** How long schemas may take. */
const SCHEMA_MS = 10_000
/** The rest is counted. */
const ISSUES_TOLD = 10

const schema: Reader<StandardSchema> = (value, name) => {
  const standard = (value as Partial<StandardSchema> | null | undefined)?.['~standard']
  return standard?.version === 1 && typeof standard.validate === 'function'
    ? (value as StandardSchema)
    : wrong(name, 'a schema with the Standard Schema interface ("~standard"), as valibot, zod and arktype make', value)
}
export const readKinds: Reader<Kinds> = record(object({ input: schema, result: schema }))

/** A value on its way into a task. */
interface Entry {
  readonly kind: string | undefined
  readonly part: keyof Kind
  readonly value: Json | undefined
  /** As its giver knows it. */
  readonly name: string
}

/**
 * Checks what enters tasks by the schemas of their kinds. As that may take time, it comes before a command is decided.
 * What a schema gives is what is decided on, and stored.
 */
export class KindSchemas {
  readonly #kinds: ReadonlyMap<string, Kind>
  readonly #journal: LocalJournal
  readonly #limits: Required<Limits>
  /** What schemas are at work on, until the crew is closed. */
  readonly #waits = new Waits<never>()
  #atWork = 0

  constructor(kinds: Kinds, journal: LocalJournal, limits: Required<Limits>) {
    this.#kinds = new Map(Object.entries(kinds))
    this.#journal = journal
    this.#limits = limits
    journal.observe({
      closed: () => {
        this.#waits.rejectAll(new CrewError('closed', 'The crew was closed while a schema was at work'))
      },
    })
  }

  /** Whether a command waits for a schema. */
  get isBusy(): boolean {
    return this.#atWork > 0
  }

  /** Goes on with the drafts as their schemas leave them. */
  drafts<R>(
    drafts: readonly Given['taskDraft'][],
    nameOf: (index: number) => string,
    goOn: (drafts: readonly Given['taskDraft'][]) => Promise<R>,
  ): Promise<R> {
    const entries = drafts.map(({ kind, input: value }, index): Entry => {
      const name = nameOf(index)
      this.#expect(kind, name)
      return { kind, part: 'input', value, name: `${name}.input` }
    })
    return this.#fit(entries, (values) => goOn(drafts.map((draft, index) => withValue(draft, 'input', values[index]))))
  }

  /** Goes on with what `update` changes, as the schema of the kind leaves it that the task will have. */
  update<R>(task: Task, given: Given['update'], goOn: (given: Given['update']) => Promise<R>): Promise<R> {
    const { change } = given
    if (!('kind' in change) && !('input' in change)) return goOn(given)
    const kind = 'kind' in change ? change.kind : task.kind
    const value = 'input' in change ? change.input : task.input
    if ('kind' in change) this.#expect(kind, 'change')
    return this.#fit([{ kind, part: 'input', value, name: 'change.input' }], ([input]) =>
      goOn({ ...given, change: { ...change, input } }),
    )
  }

  /** Goes on with what `complete` was given, as the schema leaves the result. */
  complete<R>({ kind }: Task, given: Given['complete'], goOn: (given: Given['complete']) => Promise<R>): Promise<R> {
    return this.#fit([{ kind, part: 'result', value: given.result, name: 'its result' }], ([result]) =>
      goOn(withValue(given, 'result', result)),
    )
  }

  #expect(kind: string | undefined, name: string): void {
    if (kind === undefined || this.#kinds.has(kind)) return
    throw invalid(`${name}.kind "${kind}" is not registered; it is one of ${[...this.#kinds.keys()].join(', ')}`, {
      kind,
    })
  }

  /** At once, unless a schema takes time, so that commands keep their order. */
  #fit<R>(entries: readonly Entry[], goOn: (values: readonly (Json | undefined)[]) => Promise<R>): Promise<R> {
    const answers = entries.map((entry) => this.#ask(entry))
    const settle = (all: readonly unknown[]): readonly (Json | undefined)[] => {
      const issues: string[] = []
      const values = all.map((answer, index) => this.#valueOf(entries[index] as Entry, answer, issues))
      if (issues.length > 0) throw misfit(issues)
      return values
    }
    return answers.some(isThenable) ? this.#wait(Promise.all(answers).then(settle), goOn) : goOn(settle(answers))
  }

  /** What the schema says of a value, or a promise of that, which does not reject; an error when it fails. */
  #ask(entry: Entry): unknown {
    const { kind = '', part, value } = entry
    const standard = this.#kinds.get(kind)?.[part]?.['~standard']
    if (!standard) return { value }
    const failed = (error: unknown): CrewError => broken(entry, 'failed', error)
    try {
      const answer = standard.validate(value)
      return isThenable(answer) ? Promise.resolve(answer).catch(failed) : answer
    } catch (error) {
      return failed(error)
    }
  }

  async #wait<T, R>(values: Promise<T>, goOn: (values: T) => Promise<R>): Promise<R> {
    this.#atWork++
    const { environment } = this.#journal
    let fitted: T
    try {
      fitted = await this.#waits.wait('', (closed) =>
        until(Promise.race([values, closed]), { timeoutMs: SCHEMA_MS }, environment),
      )
    } catch (error) {
      // Through the journal, so that who waits for it to rest hears that this is over.
      return await this.#journal.decide(() => {
        throw CrewError.is(error, 'timed_out')
          ? new CrewError('timed_out', `A schema gave no answer within ${SCHEMA_MS} ms; nothing was changed`)
          : error
      })
    } finally {
      this.#atWork--
    }
    return goOn(fitted)
  }

  /** What is kept: plain JSON, like all that enters. */
  #valueOf(entry: Entry, answer: unknown, issues: string[]): Json | undefined {
    if (CrewError.is(answer)) throw answer
    try {
      const { value, issues: found } = answer as { readonly value?: unknown; readonly issues?: unknown }
      if (Array.isArray(found)) {
        issues.push(...(found.length > 0 ? found.map((issue) => textOf(entry, issue)) : [`${entry.name}: is refused`]))
        return undefined
      }
      if (!found && 'value' in (answer as object))
        return value === undefined ? value : json(value, `What the ${nameOf(entry)} gives`, this.#limits)
    } catch (error) {
      throw CrewError.is(error) ? error : broken(entry, 'gave what cannot be read', error)
    }
    throw broken(entry, 'gave neither a value nor issues')
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function'

const withValue = <T extends object>(given: T, field: string, value: Json | undefined): T => ({
  ...given,
  [field]: value,
})

const nameOf = ({ kind = '', part }: Entry): string => `${part} schema of kind ${kind}`

const broken = (entry: Entry, what: string, cause?: unknown): CrewError =>
  invalid(`The ${nameOf(entry)} ${what}: mend the schema; nothing was changed`, {}, cause)

function textOf({ name }: Entry, issue: unknown): string {
  const { message, path = [] } = issue as { readonly message: unknown; readonly path?: readonly unknown[] }
  const at = path.map((step) => {
    const key: unknown = typeof step === 'object' && step !== null ? (step as { readonly key: unknown }).key : step
    return typeof key === 'number' ? `[${key}]` : `.${String(key).slice(0, 100)}`
  })
  return `${name}${at.join('')}: ${String(message).slice(0, 200)}`
}

function misfit(issues: readonly string[]): CrewError {
  const told = issues.slice(0, ISSUES_TOLD)
  const more = issues.length > told.length ? `; and ${issues.length - told.length} more` : ''
  return invalid(`Does not fit its kind: ${told.join('; ')}${more}`, { issues: issues.length })
}
