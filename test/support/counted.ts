type Methods = readonly (readonly [prototype: object, name: string])[]

const LOOKUPS: Methods = [
  [Map.prototype, 'get'],
  [Map.prototype, 'has'],
  [Set.prototype, 'has'],
]

/** How often something looks into a map or a set: a measure of its work that no busy machine changes. */
export const lookups = (run: () => unknown): Promise<number> => calls(LOOKUPS, run)

/** How many characters something looks at one by one, as what counts their bytes does. */
export const charactersRead = (run: () => unknown): Promise<number> => calls([[String.prototype, 'charCodeAt']], run)

/** How often methods of the language itself are called meanwhile. */
async function calls(methods: Methods, run: () => unknown): Promise<number> {
  let count = 0
  const originals = methods.map(([prototype, name]) => {
    const original = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
    const call = original.value as (...args: unknown[]) => unknown
    Object.defineProperty(prototype, name, {
      ...original,
      value(this: unknown, ...args: unknown[]) {
        count++
        return call.apply(this, args)
      },
    })
    return [prototype, name, original] as const
  })
  try {
    await run()
  } finally {
    for (const [prototype, name, original] of originals) Object.defineProperty(prototype, name, original)
  }
  return count
}
