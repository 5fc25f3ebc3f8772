import type { StandardSchema } from 'crewlog'

interface Issue {
  readonly message: string
  readonly path?: readonly unknown[]
}

/** A Standard Schema made by hand: `check` answers what becomes of a value, or throws issues. */
export const schema = <Input, Output = Input>(
  validate: (value: unknown) => unknown,
): StandardSchema<Input, Output> => ({
  '~standard': { version: 1, vendor: 'by hand', validate },
})

export const refused = (...issues: readonly Issue[]): { readonly issues: readonly Issue[] } => ({ issues })

export type Brief = { readonly title: string; readonly words?: number }
type FullBrief = { readonly title: string; readonly words: number }

function briefOf(value: unknown): unknown {
  const { title, words = 300 } = (value ?? {}) as Partial<Brief>
  const issues = [
    ...(typeof title === 'string' ? [] : [{ message: 'Expected a text', path: ['title'] }]),
    ...(typeof words === 'number' ? [] : [{ message: 'Expected a number', path: [{ key: 'words' }] }]),
  ]
  return issues.length > 0 ? refused(...issues) : { value: { title: title!.trim(), words } }
}

/** Needs a title, which it trims; 300 words unless it says otherwise. */
export const brief = schema<Brief, FullBrief>(briefOf)
/** The same, after a while. */
export const slowBrief = schema<Brief, FullBrief>(async (value) => Promise.resolve().then(() => briefOf(value)))
/** A text of at least three letters. */
export const article = schema<string>((value) =>
  typeof value === 'string' && value.length >= 3 ? { value } : refused({ message: 'Expected at least three letters' }),
)
