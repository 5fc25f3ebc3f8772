import { keyed, type Idempotent } from '../idempotency.js'
import { anyFields, type Id, id as anId, type Limits, read, withMore } from '../input.js'
import { NONE, sameJson } from '../json.js'
import type { KindSchemas } from '../kinds.js'
import type { Turn } from '../journal/projection.js'
import { type CommandName, commands, create, expectAllowed } from './task-commands.js'
import type { TaskDesk } from './task-desk.js'
import { expect } from './task-expiry.js'
import * as input from './task-input.js'
import type { TrackerParts } from './task-queries.js'
import type { Task } from './task.js'

// How a command of a tracker is called: what was passed in is read now, the decision is made on what is committed then.

/** What a command on one task answers. */
export type CommandAnswer<N extends CommandName> = ReturnType<(typeof commands)[N]>

export function createTasks(
  { journal, desk, keys, schemas }: TrackerParts,
  command: 'create' | 'createMany',
  drafts: readonly input.Given['taskDraft'][],
  options: input.CommandOptions & Idempotent,
): Promise<readonly Task[]> {
  const { by, idempotencyKey } = read(input.creation, options, 'options')
  const key = keyed(command, idempotencyKey, by, drafts)
  const decide = (fitted: typeof drafts): Promise<readonly Task[]> =>
    journal.decide((turn) => {
      desk.access?.permit(by, command, command === 'create' ? { ...fitted[0] } : { drafts: fitted })
      const made = key && keys.made(turn, key)
      if (made) return made.ids.map((id) => expect(desk, turn, id))
      const tasks = create(desk, turn, fitted, by)
      if (key) keys.keep(turn, key, { ids: tasks.map(({ id }) => id) })
      return tasks
    })
  const nameOf = (index: number): string => (command === 'create' ? 'draft' : `drafts[${index}]`)
  return schemas ? schemas.drafts(drafts, nameOf, decide) : decide(drafts)
}

/** A command on one task. */
export function runCommand<N extends CommandName>(
  parts: TrackerParts,
  limits: Required<Limits>,
  name: N,
  id: Id,
  options: unknown,
  more?: Readonly<Record<string, unknown>>,
): Promise<CommandAnswer<N>> {
  const { journal, board, desk, schemas } = parts
  try {
    // What is known has been checked.
    if (!board.get(id)) read(anId, id, 'task')
    const all = more ? withMore(read(anyFields, options, 'options'), more) : options
    const given = read<unknown>(input.readers[name], all, 'options', limits)
    const decide = commands[name] as (desk: TaskDesk, turn: Turn, task: Task, given: unknown) => CommandAnswer<N>
    if (schemas && (name === 'update' || name === 'complete'))
      return runFitted(parts, schemas, name, id, given) as Promise<CommandAnswer<N>>
    return journal.decide((turn) => decide(desk, turn, expectAllowed(desk, turn, id, name, given as object), given))
  } catch (error) {
    return Promise.reject(error)
  }
}

/** The same where a schema has a say: anew, when the task changes its kind or input before that is decided. */
async function runFitted(
  parts: TrackerParts,
  schemas: KindSchemas,
  name: 'update' | 'complete',
  id: Id,
  given: unknown,
): Promise<Task> {
  const { journal, board, desk } = parts
  const known = desk.access ? undefined : board.get(id)
  // A schema must not tell of a task to who cannot see it.
  const seen = known ?? (await journal.decide((turn) => expectAllowed(desk, turn, id, name, given as object)))
  const [done] = await schemas[name]<readonly Task[]>(seen, given as never, (fitted) =>
    journal.decide((turn) => {
      const task = expectAllowed(desk, turn, id, name, fitted)
      const isAsSeen = task.kind === seen.kind && sameJson(task.input, seen.input)
      return isAsSeen ? [commands[name](desk, turn, task, fitted as never)] : NONE
    }),
  )
  return done ?? runFitted(parts, schemas, name, id, given)
}
