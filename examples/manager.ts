// A manager splits a task, the crew does the parts, and it merges them: prints `A tide rises. A tide falls.`
import { openCrew } from 'crewlog'

const crew = await openCrew()
const mona = await crew.join('mona')
const writers = [
  await crew.join('wren', { skills: { write: 0.9 } }),
  await crew.join('walt', { skills: { write: 0.6 } }),
]

// The first of the assignees leads: it splits the work, and the others take the parts that suit them.
const { id } = await crew.tracker.create({
  description: 'Two sentences about tides',
  kind: 'article',
  assignees: ['mona', 'wren', 'walt'],
  watchers: ['mona'],
})

for (const writer of writers)
  writer.work({
    sentence: async ({ task }) => {
      await writer.comment(id, `"${task.description}" is done, @mona`)
      return `${task.description}.`
    },
  })

mona.work({
  article: async ({ task }) => {
    const parts = await crew.tracker.createMany(
      ['A tide rises', 'A tide falls'].map((description) => ({
        description,
        kind: 'sentence',
        parentId: task.id,
        requires: { write: 0.5 },
      })),
    )
    const done = await Promise.all(parts.map((part) => crew.tracker.whenEnded(part.id)))
    return done.map(({ result }) => (typeof result === 'string' ? result : '')).join(' ')
  },
})

const { result } = await crew.tracker.whenEnded(id)
console.log('mona read:', mona.inbox.filter(({ kind }) => kind === 'task.comment').length, 'comments')
console.log(result)
await crew.close()
