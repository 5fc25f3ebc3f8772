import { openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { refusal } from '../support/board.js'

/** Words are text that becomes a number, and have a default: what comes out is of another type than what goes in. */
const brief = v.object({
  title: v.pipe(v.string(), v.trim(), v.minLength(1, 'Needs a title')),
  words: v.optional(v.pipe(v.string(), v.transform(Number), v.integer('Needs whole words')), '300'),
})
const article = v.object({ text: v.pipe(v.string(), v.minLength(3, 'Needs at least three letters')) })
/** Asks something that takes time. */
const ticket = v.pipeAsync(
  v.string(),
  v.checkAsync(async (id) => Promise.resolve(id.startsWith('T-')), 'No such ticket'),
)

async function openDesk() {
  const crew = await openCrew({
    environment: manualEnvironment(),
    kinds: { article: { input: brief, result: article }, support: { input: ticket } },
  })
  return { crew, tracker: crew.tracker, ana: await crew.join('ana') }
}

describe('kinds with schemas of valibot', () => {
  it('check what enters tasks, keep what the schemas make of it, and type drafts, handlers and results', async () => {
    const { crew, tracker, ana } = await openDesk()
    const { id } = await tracker.create({ description: 'Tides', kind: 'article', input: { title: ' Tides ' } })
    expect(tracker.get(id)?.input).toEqual({ title: 'Tides', words: 300 })
    const seen: unknown[] = []
    ana.work({
      article: ({ task }) => {
        expectTypeOf(task.input).toEqualTypeOf<{ title: string; words: number }>()
        seen.push(task.input)
        return { text: `On ${task.input.title} in ${task.input.words + 1} words` }
      },
      support: ({ task }) => {
        expectTypeOf(task.input).toEqualTypeOf<string>()
      },
    })
    await crew.idle()
    expect(seen).toEqual([{ title: 'Tides', words: 300 }])
    expect(tracker.get(id)).toMatchObject({ status: 'completed', result: { text: 'On Tides in 301 words' } })
  })

  it('refuse what does not fit, by path and with the words of the schema, and change nothing', async () => {
    const { tracker, ana } = await openDesk()
    const bad = { description: 'x', kind: 'article', input: { title: ' ', words: 'four' } } as const
    expect(await refusal(tracker.create(bad))).toMatchObject({
      code: 'invalid_input',
      message: 'Does not fit its kind: draft.input.title: Needs a title; draft.input.words: Needs whole words',
    })
    // @ts-expect-error its input is of another type
    const untyped = tracker.create({ description: 'x', kind: 'article', input: { title: 1 } })
    expect(await refusal(untyped)).toMatchObject({ message: expect.stringContaining('draft.input.title: ') as string })
    // @ts-expect-error its input is missing
    expect(await refusal(tracker.create({ description: 'x', kind: 'article' }))).toMatchObject({
      code: 'invalid_input',
    })
    expect(tracker.list()).toEqual([])

    await tracker.create({ description: 'x', kind: 'article', input: { title: 'Tides', words: '3' } })
    const attempt = (await ana.claim())!
    expect(await refusal(attempt.complete({ result: { text: 'O' } }))).toMatchObject({
      message: 'Does not fit its kind: its result.text: Needs at least three letters',
    })
    expect(await attempt.complete({ result: { text: 'Ebb' } })).toMatchObject({ status: 'completed' })
  })

  it('may take time', async () => {
    const { tracker } = await openDesk()
    expect(await refusal(tracker.create({ description: 'x', kind: 'support', input: 'X-1' }))).toMatchObject({
      message: 'Does not fit its kind: draft.input: No such ticket',
    })
    expect(await tracker.create({ description: 'x', kind: 'support', input: 'T-1' })).toMatchObject({ input: 'T-1' })
  })
})
