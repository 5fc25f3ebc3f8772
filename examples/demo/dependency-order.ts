import type { Id } from 'crewlog'
import { InputError } from './input-error.js'

/** The ids, each after what it depends on, else as they came. What is depended on and unknown does not count. */
export function dependencyOrder(dependencies: ReadonlyMap<Id, readonly Id[]>): readonly Id[] {
  const ordered = new Set<Id>()
  // An own stack, because a chain may be longer than the call stack is deep.
  const path: { readonly id: Id; next: number }[] = []
  const onPath = new Set<Id>()
  const enter = (id: Id): void => {
    path.push({ id, next: 0 })
    onPath.add(id)
  }
  for (const root of dependencies.keys()) {
    if (!ordered.has(root)) enter(root)
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const on = dependencies.get(top.id)?.[top.next++]
      if (on === undefined) {
        ordered.add(top.id)
        onPath.delete(top.id)
        path.pop()
      } else if (onPath.has(on)) {
        const ids = path.map(({ id }) => id)
        throw new InputError(`tasks wait for each other: ${[...ids.slice(ids.indexOf(on)), on].join(' → ')}`)
      } else if (dependencies.has(on) && !ordered.has(on)) enter(on)
    }
  }
  return [...ordered]
}
