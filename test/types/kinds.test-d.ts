import { describe, expectTypeOf, it } from 'vitest'
import { type Attempt, type Crew, type Json, openCrew, type StandardSchema, type Task, TaskTracker } from 'crewlog'
import { recordEvents } from 'crewlog/testing'

type Brief = { readonly title: string; readonly words?: number }
interface Article {
  readonly text: string
}
/** What comes out of it has every field. */
declare const brief: StandardSchema<Brief, Required<Brief>>
declare const article: StandardSchema<Article>
/** Made by hand, without types. */
declare const untyped: StandardSchema
declare const maybe: StandardSchema<string | undefined, string>

const kinds = {
  article: { input: brief, result: article },
  poem: { input: maybe },
  essay: { input: untyped },
  note: {},
}
const crew = await openCrew({ kinds })
const ana = await crew.join('ana')

describe('a draft', () => {
  it('has the input of its kind', () => {
    void crew.tracker.create({ description: 'x', kind: 'article', input: { title: 'Tides' } })
    void crew.tracker.createMany([
      { description: 'x', kind: 'article', input: { title: 'Tides', words: 300 } },
      { description: 'x', kind: 'poem' },
      { description: 'x', kind: 'poem', input: 'tides' },
      { description: 'x', kind: 'essay', input: { any: ['json'] } },
      { description: 'x', kind: 'note', input: 1 },
      { description: 'x', input: 1 },
    ])
    // @ts-expect-error its input is missing
    void crew.tracker.create({ description: 'x', kind: 'article' })
    // @ts-expect-error its input is of another type
    void crew.tracker.create({ description: 'x', kind: 'article', input: { title: 1 } })
    // @ts-expect-error its input has no such field
    void crew.tracker.create({ description: 'x', kind: 'article', input: { title: 'Tides', pages: 1 } })
    // @ts-expect-error its input is of another type
    void crew.tracker.create({ description: 'x', kind: 'poem', input: 1 })
    // @ts-expect-error no such kind
    void crew.tracker.create({ description: 'x', kind: 'novel' })
    // @ts-expect-error no such field
    void crew.tracker.create({ desc: 'y', description: 'x', kind: 'note' })
  })

  it('may be of any kind where none is registered', async () => {
    const untypedCrew = await openCrew()
    expectTypeOf(untypedCrew).toEqualTypeOf<Crew>()
    void untypedCrew.tracker.create({ description: 'x', kind: 'novel', input: { any: 'json' } })
    expectTypeOf(new TaskTracker()).toEqualTypeOf<TaskTracker>()
  })

  it('is checked by a tracker alone, too', () => {
    const tracker = new TaskTracker({ kinds })
    // @ts-expect-error its input is of another type
    void tracker.create({ description: 'x', kind: 'article', input: { title: 1 } })
  })
})

describe('a handler', () => {
  it('has what the schema makes of the input', () => {
    ana.work({
      article: (attempt) => {
        expectTypeOf(attempt.task.input).toEqualTypeOf<Required<Brief>>()
        return { text: attempt.task.input.title }
      },
      poem: ({ task }) => {
        expectTypeOf(task.input).toEqualTypeOf<string>()
      },
      essay: ({ task }) => {
        expectTypeOf(task.input).toEqualTypeOf<Json | undefined>()
      },
      note: (attempt) => {
        expectTypeOf(attempt).toEqualTypeOf<Attempt>()
        return 1
      },
    })
    // @ts-expect-error no such kind
    ana.work({ novel: () => undefined })
  })

  it('gives a result of its kind, or ends the attempt itself', () => {
    ana.work({ article: async () => Promise.resolve({ text: 'The sea' }) })
    ana.work({ article: (attempt) => attempt.wait({ for: 'approval' }) })
    ana.work({
      article: async (attempt) => {
        // @ts-expect-error the result is of another type
        await attempt.complete({ result: { text: 1 } })
        await attempt.complete({ result: { text: 'The sea' } })
      },
    })
    // @ts-expect-error the result is of another type
    ana.work({ article: () => ({ text: 1 }) })
    // @ts-expect-error the result is of another type
    ana.work({ article: async () => Promise.resolve('The sea') })
  })

  it('for all kinds has any JSON', () => {
    ana.work((attempt) => {
      expectTypeOf(attempt).toEqualTypeOf<Attempt>()
    })
  })
})

describe('a crew with kinds', () => {
  it('goes wherever a crew goes', () => {
    expectTypeOf(crew).toExtend<Crew>()
    expectTypeOf(crew.tracker).toExtend<TaskTracker>()
  })

  it('forwards work to others and takes it from others, with kinds or without', async () => {
    const plain = await openCrew()
    ana.work({ article: (attempt) => ana.forward(attempt, plain) })
    ana.work((attempt) => ana.forward(attempt, crew, { draft: { assignees: 'bo' } }))
    recordEvents(crew)
    expectTypeOf(crew.tracker.get('x')).toEqualTypeOf<Task | undefined>()
  })

  it('registers schemas, and nothing else', () => {
    // @ts-expect-error a function without the interface
    void openCrew({ kinds: { article: { input: () => true } } })
    // @ts-expect-error no such part
    void openCrew({ kinds: { article: { output: brief } } })
  })
})
