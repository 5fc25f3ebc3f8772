import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Life, type Phase, tellLife } from '../../../src/reports/figures/life.js'
import type { AttemptRecord, Outcome } from '../../../src/core/tasks/attempt-record.js'

const attempt = (startedAt: number, endedAt?: number, outcome?: Outcome): AttemptRecord => ({
  number: 1,
  member: 'ana',
  session: 's',
  fence: 1,
  startedAt,
  ...(endedAt !== undefined && { endedAt }),
  ...(outcome && { outcome }),
  usage: {},
})
const life = (more: Partial<Life>): Life => ({ createdAt: 100, attempts: [], answers: [], reviewers: [], ...more })
const answer = (reason: 'input' | 'review', at: number) => ({ number: 1, for: reason, by: 'bo', at })

const told = (of: Life, dependencyEnds: readonly number[] = [], now = 1000): readonly [Phase, number, number][] => {
  const phases: [Phase, number, number][] = []
  tellLife(of, dependencyEnds, now, (phase, from, to) => phases.push([phase, from, to]))
  return phases
}

describe('The life of a task', () => {
  it.each<[string, Life, readonly number[] | undefined, readonly [Phase, number, number][]]>([
    ['nobody takes', life({}), undefined, [['waiting', 100, 1000]]],
    ['waits for another for ever', life({}), [Infinity], [['blocked', 100, 1000]]],
    [
      'is done at once',
      life({ endedAt: 300, attempts: [attempt(200, 300, 'completed')] }),
      undefined,
      [
        ['waiting', 100, 200],
        ['working', 200, 300],
      ],
    ],
    [
      'was blocked before',
      life({ endedAt: 300, attempts: [attempt(200, 300, 'completed')] }),
      [50, 150],
      [
        ['blocked', 100, 150],
        ['waiting', 150, 200],
        ['working', 200, 300],
      ],
    ],
    [
      'is worked on',
      life({ attempts: [attempt(200)] }),
      undefined,
      [
        ['waiting', 100, 200],
        ['working', 200, 1000],
      ],
    ],
    [
      'failed once',
      life({ attempts: [attempt(200, 300, 'failed'), attempt(400)] }),
      undefined,
      [
        ['waiting', 100, 200],
        ['working', 200, 300],
        ['waiting', 300, 400],
        ['working', 400, 1000],
      ],
    ],
    [
      'asked, was answered and taken up later',
      life({
        endedAt: 700,
        attempts: [attempt(200, 300, 'waiting'), attempt(600, 700, 'completed')],
        answers: [answer('input', 500)],
      }),
      undefined,
      [
        ['waiting', 100, 200],
        ['working', 200, 300],
        ['asking', 300, 500],
        ['waiting', 500, 600],
        ['working', 600, 700],
      ],
    ],
    [
      'asks now',
      life({
        attempts: [attempt(200, 300, 'waiting')],
        waitingFor: { id: 'question', for: 'approval', of: [], since: 300 },
      }),
      undefined,
      [
        ['waiting', 100, 200],
        ['working', 200, 300],
        ['asking', 300, 1000],
      ],
    ],
    [
      'passed its review',
      life({
        endedAt: 500,
        attempts: [attempt(200, 300, 'waiting')],
        answers: [answer('review', 500)],
        reviewers: ['bo'],
      }),
      undefined,
      [
        ['waiting', 100, 200],
        ['working', 200, 300],
        ['review', 300, 500],
      ],
    ],
    [
      'was cancelled in its review',
      life({ endedAt: 500, attempts: [attempt(200, 300, 'waiting')], reviewers: ['bo'] }),
      undefined,
      [
        ['waiting', 100, 200],
        ['working', 200, 300],
        ['review', 300, 500],
      ],
    ],
    [
      'went on as nobody answered in time',
      life({ attempts: [attempt(200, 300, 'waiting'), attempt(600)] }),
      undefined,
      [
        ['waiting', 100, 200],
        ['working', 200, 300],
        ['asking', 300, 600],
        ['working', 600, 1000],
      ],
    ],
    [
      'got an edge between two attempts',
      life({ endedAt: 700, attempts: [attempt(200, 300, 'released'), attempt(600, 700, 'completed')] }),
      [500, 150],
      [
        ['blocked', 100, 150],
        ['waiting', 150, 200],
        ['working', 200, 300],
        ['blocked', 300, 500],
        ['waiting', 500, 600],
        ['working', 600, 700],
      ],
    ],
    [
      'is from before the clock was set back',
      life({ createdAt: 900, endedAt: 400, attempts: [attempt(200, 300, 'completed')] }),
      undefined,
      [],
    ],
    [
      'asked, and waits for another since',
      life({ attempts: [attempt(200, 300, 'waiting')], answers: [answer('input', 500)] }),
      [600, 150],
      [
        ['blocked', 100, 150],
        ['waiting', 150, 200],
        ['working', 200, 300],
        ['asking', 300, 500],
        ['blocked', 500, 600],
        ['waiting', 600, 1000],
      ],
    ],
  ])('that %s', (_, of, dependencyEnds, expected) => {
    expect(told(of, dependencyEnds)).toEqual(expected)
  })

  it('is told without a gap and without anything twice', () => {
    const outcomes = fc.constantFrom<Outcome>('completed', 'failed', 'released', 'waiting', 'lost')
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(50), fc.nat(50), outcomes), { maxLength: 6 }),
        fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 4 }),
        fc.option(fc.nat(700), { nil: undefined }),
        fc.array(fc.constantFrom(50, 150, 300, Infinity)),
        (spans, answers, endedAt, dependencyEnds) => {
          let at = 100
          const attempts = spans.map(([pause, ms, outcome]) => {
            const startedAt = at + pause
            at = startedAt + ms
            return attempt(startedAt, at, outcome)
          })
          const of = life({ attempts, answers: answers.sort((a, b) => a - b).map((time) => answer('input', time)), ...(endedAt !== undefined && { endedAt }) }) // prettier-ignore
          const phases = told(of, dependencyEnds)
          const end = endedAt ?? 1000
          expect(phases.every(([, from, to]) => from < to)).toBe(true)
          const joints = [100, ...phases.map(([, , to]) => to)]
          expect(phases.map(([, from]) => from)).toEqual(joints.slice(0, -1))
          expect(joints.at(-1)).toBe(Math.max(100, end))
          const worked = phases
            .filter(([phase]) => phase === 'working')
            .reduce((sum, [, from, to]) => sum + to - from, 0)
          const expected = attempts.reduce((sum, one) => sum + Math.max(0, Math.min(one.endedAt!, end) - Math.min(one.startedAt, end)), 0) // prettier-ignore
          expect(worked).toBe(expected)
        },
      ),
    )
  })
})
