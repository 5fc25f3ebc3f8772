import type { Crew, Id, TaskDraft } from 'crewlog'

/** Work for a crew, wherever it comes from. */
export interface Board {
  readonly name: string
  /** In the order in which they come into being, which breaks ties of priority. */
  readonly tasks: readonly BoardTask[]
  /** What was completed before the crew came, in an order in which it can be. */
  readonly closed: readonly Id[]
  /** How many "cannot start before" the source tells. */
  readonly edges: number
  /** Tasks last as long as they are recorded to have (`estimateMs`), in a time that only the demo sees. */
  readonly isSimulated: boolean
}

export type BoardTask = TaskDraft & { readonly id: Id }

/** The board as the crew found it, before work began. */
export interface Opening {
  readonly tasks: number
  readonly edges: number
  readonly ready: number
  readonly blocked: number
}

/** Of a task that is on the board and not to be worked on. */
export const SET_ASIDE: Pick<TaskDraft, 'labels' | 'notBefore'> = {
  labels: ['set-aside'],
  notBefore: '9999-01-01T00:00:00Z',
}

const LOADED = 'board.loaded'

/** Puts the board before the crew; after a kill, what of it is missing. */
export async function loadBoard(crew: Crew, board: Board, reader: Id): Promise<Opening> {
  const known = openingOf(crew)
  if (known) return known
  const { tracker } = crew
  const archivist = await crew.join('archivist', { kind: 'service' })
  const missing = board.tasks.filter(({ id }) => !tracker.get(id))
  if (missing.length > 0) await tracker.createMany(missing, { by: archivist.id })
  // Not awaited one by one, so that they share commits.
  await Promise.all(
    board.closed.flatMap((id) => {
      const status = tracker.status(id)
      if (status === 'completed') return []
      const started = status === 'pending' ? [tracker.start(id, { by: archivist.id })] : []
      return [...started, tracker.complete(id)]
    }),
  )
  const opening = {
    tasks: tracker.count(),
    edges: board.edges,
    ready: tracker.ready().length,
    blocked: tracker.blocked().length,
  }
  await archivist.setAvailability(false)
  await archivist.send(reader, opening, { kind: LOADED })
  return opening
}

/** What an earlier run wrote down once its board was complete. */
export function openingOf(crew: Crew): Opening | undefined {
  const [note] = crew.communications.messages({ kind: LOADED, limit: 1 })
  return note?.content as Opening | undefined
}

/** How far the crew is, without what it found done. */
export function countOf({ tracker }: Crew, board: Board): { readonly done: number; readonly all: number } {
  const ended = tracker.count({ status: ['completed', 'failed', 'cancelled'] })
  const setAside = tracker.count({ label: 'set-aside' })
  return { done: ended - board.closed.length, all: board.tasks.length - board.closed.length - setAside }
}

/** Whether nothing is left that anybody could do. */
export function isFinished({ tracker }: Crew): boolean {
  const underWay = tracker.count({ stage: ['new', 'assigned', 'in_progress', 'waiting', 'scheduled'] })
  return underWay === tracker.count({ label: 'set-aside' })
}

/** From the first start to the last end of what this crew did. */
export function makespanOf({ tracker }: Crew, board: Board): number {
  const closed = new Set(board.closed)
  const done = tracker.list({ status: ['completed', 'failed'] }).filter(({ id }) => !closed.has(id))
  const starts = done.flatMap(({ startedAt }) => startedAt ?? [])
  const ends = done.flatMap(({ startedAt, endedAt }) => (startedAt === undefined ? [] : (endedAt ?? [])))
  const last = ends.reduce((a, b) => Math.max(a, b), 0)
  return starts.length === 0 ? 0 : last - starts.reduce((a, b) => Math.min(a, b))
}
