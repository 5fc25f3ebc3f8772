import { type Json, sameJson, NONE } from './json.js'

/** A value's fields, by name. */
type Fields = Readonly<Record<string, unknown>>
export type Changes = Record<string, Json>
/** The fields that are lists, each with what tells its items apart. */
export type Collections = Readonly<Record<string, (item: never) => string | number>>

interface ListChange {
  readonly added?: readonly Json[]
  readonly removed?: readonly (string | number)[]
}

/**
 * What an event says of `fields` that become new in `old`: single ones by value, `null` where one is removed, lists by
 * `added` and `removed`, so that concurrent additions are not lost. What stays the same is left out, and the id, which
 * an event has beside its changes. In `payloads`, `null` is a value: `removed` names those that are gone.
 */
export function changesOf(
  old: object,
  fields: object,
  collections: Collections,
  payloads: readonly string[] = NONE,
): Changes {
  const changes: Changes = {}
  for (const field in fields) {
    const before = (old as Fields)[field] as Json | undefined
    const after = (fields as Fields)[field] as Json | undefined
    if (before === after || field === 'id') continue
    const keyOf = collections[field]
    if (keyOf) {
      const change = listChange((before ?? []) as readonly Json[], (after ?? []) as readonly Json[], keyOf as KeyOf)
      if (change) changes[field] = change as Json
    } else if (after === undefined && payloads.includes(field))
      changes['removed'] = [...((changes['removed'] ?? NONE) as readonly string[]), field]
    else if (!sameJson(before, after)) changes[field] = after ?? null
  }
  return changes
}

/** The other way: the new values of the fields that `changes` names. */
export function fieldsOf(
  old: object,
  changes: Readonly<Changes>,
  collections: Collections,
  payloads: readonly string[],
): Fields {
  const fields: Record<string, unknown> = {}
  for (const field in changes) {
    const change = changes[field]
    const keyOf = Object.hasOwn(collections, field) ? collections[field] : undefined
    if (field === 'removed' && payloads.length > 0) {
      for (const gone of change as readonly string[]) if (payloads.includes(gone)) fields[gone] = undefined
    } else if (keyOf)
      fields[field] = changedList(
        ((old as Fields)[field] ?? []) as readonly Json[],
        change as ListChange,
        keyOf as KeyOf,
      )
    else fields[field] = change === null && !payloads.includes(field) ? undefined : change
  }
  return fields
}

type KeyOf = (item: Json) => string | number

function listChange(before: readonly Json[], after: readonly Json[], keyOf: KeyOf): ListChange | undefined {
  let same = 0
  while (same < before.length && before[same] === after[same]) same++
  if (same === before.length)
    return same === after.length ? undefined : { added: same === 0 ? after : after.slice(same) }
  // Mostly only the last item changes.
  const last = before[same] as Json
  const next = after[same]
  if (
    same + 1 === before.length &&
    before.length === after.length &&
    next !== undefined &&
    keyOf(last) === keyOf(next)
  ) {
    return sameJson(last, next) ? undefined : { added: [next] }
  }
  return anyListChange(before.slice(same), after.slice(same), keyOf)
}

function anyListChange(before: readonly Json[], after: readonly Json[], keyOf: KeyOf): ListChange | undefined {
  const kept = new Map(after.map((item) => [keyOf(item), item]))
  const known = new Map(before.map((item) => [keyOf(item), item]))
  const added = after.filter((item) => !sameJson(known.get(keyOf(item)), item))
  const removed = [...known.keys()].filter((item) => !kept.has(item))
  const change: ListChange = { ...(added.length > 0 && { added }), ...(removed.length > 0 && { removed }) }
  const isInOrder = changedList(before, change, keyOf).every(
    (item, index) => keyOf(item) === keyOf(after[index] as Json),
  )
  if (!isInOrder) return { added: after, removed: [...known.keys()] }
  return added.length + removed.length > 0 ? change : undefined
}

function changedList(
  before: readonly Json[],
  { added = NONE, removed = NONE }: ListChange,
  keyOf: KeyOf,
): readonly Json[] {
  const only = added.length === 1 && removed.length === 0 ? added[0] : undefined
  const last = before.at(-1)
  // An item that replaces the last, or comes after it, while there are few: without a map.
  if (only !== undefined && before.length < 2) {
    return Object.freeze(last === undefined || keyOf(last) === keyOf(only) ? [only] : [last, only])
  }
  const items = new Map(before.map((item) => [keyOf(item), item]))
  for (const gone of removed) items.delete(gone)
  for (const item of added) items.set(keyOf(item), item)
  return Object.freeze([...items.values()])
}
