import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openGraph, type OpenGraph } from '../../../src/reports/figures/open-graph.js'
import { longestChain } from '../../../src/reports/figures/longest-chain.js'
import { firstCauses, rootCauses } from '../../../src/reports/figures/root-causes.js'

/** Each task with those that it waits for; what is no key is an obstacle. */
function graphOf(edges: Readonly<Record<string, readonly string[]>>, parents: Readonly<Record<string, string>> = {}) {
  const tasks = Object.keys(edges).map((id) => ({ id, dependsOn: edges[id], parentId: parents[id] }))
  return openGraph(tasks as never, (task) => (task as unknown as { dependsOn: readonly string[] }).dependsOn)
}
const name = ({ tasks, obstacles }: OpenGraph, place: number): string =>
  tasks[place]?.id ?? obstacles[place - tasks.length]!

const causes = (graph: OpenGraph, most = 10, counts: (id: string) => boolean = () => true) =>
  rootCauses(graph, (place) => counts(name(graph, place)), most).map(({ place, holdsUp, alone }) => [
    name(graph, place),
    holdsUp,
    alone,
  ])

describe('Root causes', () => {
  it('are told with how many wait for them, through others too, and how many for them alone', () => {
    // a → b → c, x → c: c waits for both a and x.
    expect(causes(graphOf({ a: [], b: ['a'], c: ['b', 'x'], x: [], alone: [] }))).toEqual([
      ['a', 2, 1],
      ['x', 1, 0],
    ])
  })

  it('count each that waits once, whatever the number of ways', () => {
    const diamond = graphOf({ a: [], left: ['a'], right: ['a'], end: ['left', 'right'] })
    expect(causes(diamond)).toEqual([['a', 3, 3]])
  })

  it('can be what is not open itself', () => {
    expect(causes(graphOf({ b: ['gone'], c: ['b'] }))).toEqual([['gone', 2, 2]])
  })

  it('count only what is asked for, and the most of it first', () => {
    const graph = graphOf({ a: [], b: ['a'], c: ['a'], x: [], y: ['x'], z: ['y'] })
    expect(causes(graph, 10, (id) => id !== 'b' && id !== 'c')).toEqual([['x', 2, 2]])
    expect(causes(graph, 1)).toEqual([['a', 2, 2]])
  })

  it('of a circle are none', () => {
    expect(causes(graphOf({ a: ['b'], b: ['a'], c: ['b'] }))).toEqual([])
  })

  it('go by the first edge where one is named for each', () => {
    const graph = graphOf({ a: [], x: [], b: ['x', 'a'], c: ['b'] })
    expect(firstCauses(graph).map((place) => name(graph, place))).toEqual(['a', 'x', 'x', 'x'])
  })

  /** Edges point back, so that there is no circle. */
  const anyGraph = fc
    .array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 60 })
    .map((rows) =>
      graphOf(
        Object.fromEntries(
          rows.map((row, index) => [`t${index}`, index === 0 ? [] : [...new Set(row.map((n) => `t${n % index}`))]]),
        ),
      ),
    )

  it('are those that a walk from each of them finds', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const ofAll = new Map(graph.dependencies.map((_, place) => [place, rootsOf(graph, place)]))
        const places = [...ofAll.keys()]
        const naive = places
          .filter((place) => graph.dependencies[place]!.length === 0)
          .map((root) => {
            const held = places.filter((place) => place !== root && ofAll.get(place)!.has(root))
            return {
              place: root,
              holdsUp: held.length,
              alone: held.filter((place) => ofAll.get(place)!.size === 1).length,
            }
          })
          .filter(({ holdsUp }) => holdsUp > 0)
          .sort((a, b) => b.holdsUp - a.holdsUp || b.alone - a.alone || a.place - b.place)
        expect(rootCauses(graph, () => true, 1000)).toEqual(naive)
      }),
    )
  })

  it('are exact for more of them than fit into one walk', () => {
    const edges: Record<string, readonly string[]> = {}
    for (let n = 0; n < 100; n++) edges[`root${n}`] = []
    for (let n = 0; n < 100; n++) for (let m = 0; m <= n; m++) edges[`t${n}-${m}`] = [`root${n}`]
    const found = causes(graphOf(edges), 256)
    expect(found).toEqual(Array.from({ length: 100 }, (_, n) => [`root${99 - n}`, 100 - n, 100 - n]))
  })
})

/** All roots that a place waits for. */
function rootsOf({ dependencies }: OpenGraph, start: number): ReadonlySet<number> {
  const roots = new Set<number>()
  const seen = new Set([start])
  for (const place of seen) {
    if (dependencies[place]!.length === 0) roots.add(place)
    for (const other of dependencies[place]!) seen.add(other)
  }
  return roots
}

describe('The longest chain', () => {
  const chain = (
    graph: OpenGraph,
    lengths: Readonly<Record<string, number>>,
    more: { readonly ready?: Readonly<Record<string, number>>; readonly wanted?: string } = {},
  ) =>
    longestChain(graph, {
      durationMs: (place) => lengths[name(graph, place)] ?? 0,
      readyMs: (place) => more.ready?.[name(graph, place)] ?? 0,
      isWanted: (place) => more.wanted === undefined || name(graph, place) === more.wanted,
    }).map(({ place, startMs, durationMs }) => [name(graph, place), startMs, durationMs])

  it('is the one that lasts longest, not the one with the most tasks', () => {
    const graph = graphOf({ a: [], b: ['a'], c: ['b'], long: [], end: ['c', 'long'] })
    expect(chain(graph, { a: 10, b: 10, c: 10, long: 50, end: 5 })).toEqual([
      ['long', 0, 50],
      ['end', 50, 5],
    ])
    expect(chain(graph, { a: 10, b: 10, c: 10, long: 50, end: 5 }, { wanted: 'c' })).toEqual([
      ['a', 0, 10],
      ['b', 10, 10],
      ['c', 20, 10],
    ])
  })

  it('waits for what is scheduled for later', () => {
    const graph = graphOf({ a: [], b: ['a'], late: [] })
    expect(chain(graph, { a: 10, b: 10, late: 1 }, { ready: { late: 30 } })).toEqual([['late', 30, 1]])
  })

  it('goes through subtasks, beside which their parent is worked on', () => {
    const graph = graphOf({ parent: ['first'], first: [], part: [], after: ['parent'] }, { part: 'parent' })
    expect(chain(graph, { parent: 10, first: 5, part: 40, after: 3 })).toEqual([
      ['part', 0, 40],
      ['parent', 40, 0],
      ['after', 40, 3],
    ])
    expect(chain(graph, { parent: 10, first: 5, part: 12, after: 3 })).toEqual([
      ['first', 0, 5],
      ['parent', 5, 10],
      ['after', 15, 3],
    ])
  })

  it('of nothing is empty', () => {
    expect(chain(graphOf({}), {})).toEqual([])
  })

  it('is as long as the longest of all paths', () => {
    const row = fc.tuple(fc.array(fc.nat(), { maxLength: 2 }), fc.integer({ min: 1, max: 100 }))
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 12 }), (rows) => {
        const edges = Object.fromEntries(
          rows.map(([ends], index) => [`t${index}`, index === 0 ? [] : [...new Set(ends.map((n) => `t${n % index}`))]]),
        )
        const lengths = Object.fromEntries(rows.map(([, ms], index) => [`t${index}`, ms]))
        const longest = (id: string): number => lengths[id]! + Math.max(0, ...edges[id]!.map(longest))
        const links = chain(graphOf(edges), lengths)
        expect(links.reduce((sum, [, , ms]) => sum + (ms as number), 0)).toBe(
          Math.max(...Object.keys(edges).map(longest)),
        )
        // Each link is an edge, and begins when the one before it ends.
        for (const [index, [id, startMs]] of links.entries()) {
          const [before, at = 0, ms = 0] = links[index - 1] ?? []
          expect(startMs).toBe((at as number) + (ms as number))
          if (before !== undefined) expect(edges[id as string]).toContain(before)
        }
      }),
    )
  })

  it('of a hundred thousand tasks is found without a deep stack', () => {
    const edges: Record<string, readonly string[]> = { t0: [] }
    for (let n = 1; n < 100_000; n++) edges[`t${n}`] = [`t${n - 1}`]
    const graph = graphOf(edges)
    expect(longestChain(graph, { durationMs: () => 1, readyMs: () => 0, isWanted: () => true })).toHaveLength(100_000)
    expect(causes(graph)).toEqual([['t0', 99_999, 99_999]])
  })
})
