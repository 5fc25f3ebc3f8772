import {
  type Message,
  type Pictured,
  type Report,
  ReportGenerator,
  type Task,
  TaskTracker,
  type WorkloadData,
} from 'crewlog'
import { type AttemptRow, defineReport } from 'crewlog/reports'
import { describe, expectTypeOf, it } from 'vitest'

const reports = new ReportGenerator({ tracker: new TaskTracker() })

describe('reports of one’s own', () => {
  it('have figures by the names of their measures', () => {
    const mine = defineReport({
      name: 'mine',
      of: 'tasks',
      groupBy: 'labels',
      measures: {
        count: 'count',
        took: { mean: 'durationMs' },
        done: { share: ({ status }) => status === 'completed' },
      },
      orderBy: 'took',
    })
    const row = reports.generate(mine).data.rows[0]!
    expectTypeOf(row.group).toEqualTypeOf<string>()
    expectTypeOf(row.count).toEqualTypeOf<number>()
    expectTypeOf(row.took).toEqualTypeOf<number | null>()
    expectTypeOf(row.done).toEqualTypeOf<number>()
    // @ts-expect-error no such measure
    expectTypeOf(row.mean).toBeUnknown()
  })

  it('know their rows', () => {
    defineReport({
      name: 'a',
      of: 'attempts',
      where: (attempt) => {
        expectTypeOf(attempt).toEqualTypeOf<AttemptRow>()
        return attempt.outcome === 'lost'
      },
      measures: { longest: { max: 'durationMs' } },
    })
    defineReport({
      name: 'm',
      of: 'messages',
      where: { sender: 'ana' },
      groupBy: (message) => {
        expectTypeOf(message).toEqualTypeOf<Message>()
        return message.sender
      },
      measures: { count: 'count' },
    })
    defineReport({ name: 't', of: 'tasks', measures: { n: { sum: (task) => {
      expectTypeOf(task).toEqualTypeOf<Task>()
      return task.usage.cost
    } } } }) // prettier-ignore
  })

  it('refuse fields that are no numbers, orders that are no measures, and filters of others', () => {
    // @ts-expect-error a title is no number
    defineReport({ name: 'x', of: 'tasks', measures: { n: { sum: 'title' } } })
    // @ts-expect-error no such measure
    defineReport({ name: 'x', of: 'tasks', measures: { n: 'count' }, orderBy: 'm' })
    // @ts-expect-error tasks have no sender
    defineReport({ name: 'x', of: 'tasks', where: { sender: 'ana' }, measures: { n: 'count' } })
    // @ts-expect-error no such field
    defineReport({ name: 'x', of: 'tasks', groupBy: 'label', measures: { n: 'count' } })
  })

  it('are pictures where they are', () => {
    expectTypeOf(reports.generate('workload')).toEqualTypeOf<Pictured<WorkloadData>>()
    expectTypeOf(reports.generate('workload').toSVG()).toEqualTypeOf<string>()
    const mine = defineReport({ name: 'x', of: 'tasks', measures: { n: 'count' } })
    expectTypeOf<ReturnType<typeof reports.generate>>().toExtend<Report<unknown>>()
    // @ts-expect-error it may have none
    reports.generate(mine).toSVG()
  })
})
