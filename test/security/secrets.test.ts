import { CrewError } from 'crewlog'
import { redact } from 'crewlog/security'
import { describe, expect, it } from 'vitest'
import { doors, makeWorld } from '../support/doors.js'

// No id, so that it must not be in any error: those may hold ids.
const SECRET = 'pässwörd: hunter2!'

const DISGUISES: Readonly<Record<string, () => unknown>> = {
  'a text': () => SECRET,
  'a list': () => [SECRET],
  'an object': () => ({ id: SECRET, description: SECRET, content: SECRET, signal: SECRET }),
  'an error': () => Object.assign(new Error(SECRET), { code: SECRET }),
  'a nested payload': () => ({ description: 'x', input: { deep: [{ token: SECRET }] }, content: SECRET }),
}

/** Spans of tests are the program's own, and what a schema says is its author's. */
const ownWords = /^a schema gives|^(advance|suspend|setWallClock)/

/** What an error tells those who see it. */
const told = ({ message, details }: CrewError): string => `${message} ${JSON.stringify(details)}`

describe('a secret', () => {
  it.each(Object.entries(DISGUISES))(
    'that comes in as %s is in no error and no report for outsiders (SEC-11)',
    async (_, make) => {
      const errors: { readonly where: string; readonly error: CrewError }[] = []
      const world = await makeWorld((error) => {
        if (CrewError.is(error)) errors.push({ where: 'onError', error })
      })
      const { crew, environment } = world
      const left: Promise<unknown>[] = []
      for (const [where, open] of doors.filter(([name]) => !ownWords.test(name))) {
        const refuse = (error: unknown): void => {
          if (CrewError.is(error)) errors.push({ where, error })
        }
        try {
          const answer = open(make() as never, world)
          if (answer instanceof Promise) left.push(answer.then(() => undefined, refuse))
        } catch (error) {
          refuse(error)
        }
        await environment.settle()
      }
      await environment.advance('2m')
      expect(errors.length).toBeGreaterThan(50)
      for (const { where, error } of errors) expect(told(error), where).not.toContain('hunter2')

      const { reports, communications, tracker } = crew
      const outside = [
        ...reports.names().flatMap((name) => {
          const report = reports.generate(name as 'health', { redact: true })
          return [report.toMarkdown(), JSON.stringify(report)]
        }),
        JSON.stringify(redact(tracker.list(), { fields: ['title', 'description', 'labels'] })),
        JSON.stringify(redact(communications.messages())),
        communications.thread({ taskId: 'pending' }).toMarkdown({ redact: true }),
      ]
      expect(outside.filter((text) => text.includes('hunter2'))).toEqual([])
      await crew.close()
      await Promise.all(left)
    },
  )

  it('stays in what is for the crew itself', async () => {
    const { crew, attempt } = await makeWorld()
    await attempt.fail({ error: SECRET, retryable: false })
    expect(crew.reports.generate('health').toMarkdown()).toContain('hunter2')
    await crew.close()
  })
})
