import { type Dependency, type EdgePolicy, type TaskStatus } from 'crewlog'
import { describe, expect, it } from 'vitest'
import { Task } from '../../../src/core/tasks/task.js'
import {
  directFalls,
  fallenWith,
  progressOf,
  refuseCycle,
  refuseCycles,
  type TaskGraph,
} from '../../../src/core/tasks/task-graph.js'

type Fields = Partial<Pick<Task, 'status' | 'parentId' | 'estimateMs' | 'failure'>> & {
  readonly dependsOn?: readonly (string | Dependency)[]
}

const edge = (id: string, onFailure: EdgePolicy = 'fail', onCancel: EdgePolicy = 'cancel'): Dependency => ({
  id,
  onFailure,
  onCancel,
})

/** A graph without a board, as an old journal may hold it: nothing of it was checked. */
function graphOf(tasks: Readonly<Record<string, Fields>>): TaskGraph & { readonly task: (id: string) => Task } {
  const all = Object.entries(tasks).map(([id, { dependsOn = [], ...fields }]) =>
    Task.fold(undefined, id, 1, {
      description: id,
      status: 'pending' satisfies TaskStatus,
      ...(fields as object),
      dependsOn: { added: dependsOn.map((on) => ({ ...(typeof on === 'string' ? edge(on) : on) })) },
    }),
  )
  const get = (id: string): Task | undefined => all.find((task) => task.id === id)
  return {
    get,
    task: (id) => get(id) as Task,
    dependents: (id) => all.filter((task) => task.dependsOn.some((on) => on.id === id)),
    subtasks: (id) => all.filter((task) => task.parentId === id),
  }
}

const path = (check: () => void): unknown => {
  try {
    check()
  } catch (error) {
    return (error as { details: { path: unknown } }).details.path
  }
  return undefined
}

describe('a cycle', () => {
  it('is told as a chain in which each waits for the next, from whichever side it was found', () => {
    // Much below and little above, and the other way round.
    const below = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`deep${n}`, { dependsOn: [`deep${n + 1}`] }]))
    const above = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`high${n + 1}`, { dependsOn: [`high${n}`] }]))
    const loop = { b: { dependsOn: ['c'] }, c: { dependsOn: ['a'] } }
    const heavyBelow = graphOf({ ...loop, ...below, a: { dependsOn: ['b', 'deep0'] } })
    const heavyAbove = graphOf({ ...loop, ...above, high0: { dependsOn: ['a'] }, a: { dependsOn: ['b'] } })
    expect(path(() => refuseCycle(heavyBelow, 'a'))).toEqual(['a', 'b', 'c', 'a'])
    expect(path(() => refuseCycle(heavyAbove, 'a'))).toEqual(['a', 'b', 'c', 'a'])
  })

  it('elsewhere does not keep the search from ending', () => {
    const graph = graphOf({
      start: { dependsOn: ['x'] },
      x: { dependsOn: ['y'] },
      y: { dependsOn: ['x'] },
      top: { dependsOn: ['start'] },
    })
    expect(path(() => refuseCycle(graph, 'start'))).toBeUndefined()
    expect(path(() => refuseCycles(graph, ['start', 'top']))).toBeUndefined()
  })

  it('is not searched for on every way through a lattice, but on every task once', () => {
    const lattice = Object.fromEntries(
      Array.from(
        { length: 60 },
        (_, n) =>
          [
            [`l${n}`, n],
            [`r${n}`, n],
          ] as const,
      ).flatMap((pair) => pair.map(([id, n]) => [id, { dependsOn: [`l${n + 1}`, `r${n + 1}`] }])),
    )
    const graph = graphOf({ ...lattice, l60: {}, r60: {} })
    expect(path(() => refuseCycle(graph, 'l0'))).toBeUndefined()
    expect(path(() => refuseCycle(graph, 'l60'))).toBeUndefined()
  })

  it('is not seen in what refers to tasks that are gone', () => {
    const graph = graphOf({ a: { dependsOn: ['gone'], parentId: 'pruned' } })
    expect(path(() => refuseCycle(graph, 'a'))).toBeUndefined()
    expect(path(() => refuseCycles(graph, ['a', 'gone']))).toBeUndefined()
  })
})

describe('what falls with a task', () => {
  it('goes by the edge to that task, not by another edge of the dependent', () => {
    const graph = graphOf({
      a: { status: 'failed' },
      other: {},
      held: { dependsOn: ['other', edge('a', 'continue')] },
      cancelled: { dependsOn: [edge('other', 'continue'), edge('a', 'cancel')] },
    })
    expect(directFalls(graph, graph.task('a'))).toEqual([
      { task: graph.task('cancelled'), to: 'cancel', because: graph.task('a') },
    ])
  })

  it('is decided in the order of ids, subtasks and dependents together', () => {
    const graph = graphOf({
      a: { status: 'failed' },
      d: { dependsOn: ['a'] },
      c: { parentId: 'a' },
      e: { parentId: 'a' },
      b: { dependsOn: ['a'] },
    })
    expect(directFalls(graph, graph.task('a')).map(({ task, to }) => `${task.id} ${to}`)).toEqual([
      'b fail',
      'c cancel',
      'd fail',
      'e cancel',
    ])
  })

  it('is reopened with it only as far as it fell because of it', () => {
    const because = (rootId: string) => ({ code: 'dependency' as const, message: '', rootId })
    const graph = graphOf({
      root: { status: 'failed', failure: because('root'), dependsOn: ['far'] },
      near: { status: 'failed', failure: because('root'), dependsOn: ['root'] },
      far: { status: 'failed', failure: because('root'), dependsOn: ['near'] },
      elsewhere: { status: 'failed', failure: because('other'), dependsOn: ['root'] },
    })
    expect(fallenWith(graph, graph.task('root')).map(({ id }) => id)).toEqual(['near', 'far'])
  })
})

describe('progress', () => {
  it('of a part that has ended counts 1, whatever is left open below it', () => {
    const graph = graphOf({
      whole: {},
      done: { parentId: 'whole', status: 'completed' },
      waived: { parentId: 'done' },
      open: { parentId: 'whole' },
    })
    expect(progressOf(graph, graph.task('whole'))).toBe(0.5)
  })
})
