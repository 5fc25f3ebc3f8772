import { type Environment, openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'

/** An environment that knows how many of its timers keep a process alive. */
function countedEnvironment() {
  const manual = manualEnvironment()
  const foreground = new Set<object>()
  const environment: Environment = {
    ...manual,
    setTimer(run, ms, background = false) {
      const timer = {}
      if (!background) foreground.add(timer)
      const off = manual.setTimer(() => {
        foreground.delete(timer)
        run()
      }, ms)
      return () => {
        foreground.delete(timer)
        off()
      }
    },
  }
  return { manual, environment, isAlive: () => foreground.size > 0 }
}

describe('the process', () => {
  it('stays alive for a task in its pause, also when the worker comes later', async () => {
    const { manual, environment, isAlive } = countedEnvironment()
    const crew = await openCrew({ environment })
    const ana = await crew.join('ana')
    await crew.tracker.create({ description: 'Tides', notBefore: manual.now() + 60_000 })
    await manual.settle()
    expect(isAlive()).toBe(false)
    const running = ana.work(() => undefined)
    await manual.settle()
    expect(isAlive()).toBe(true)
    await running.stop()
    await manual.settle()
    expect(isAlive()).toBe(false)
  })

  it('stays alive while somebody awaits the end of a task, or a reply', async () => {
    const { manual, environment, isAlive } = countedEnvironment()
    const crew = await openCrew({ environment })
    const ana = await crew.join('ana')
    const bo = await crew.join('bo')
    const task = await crew.tracker.create({ description: 'Tides' })
    const ended = crew.tracker.whenEnded(task.id)
    await manual.settle()
    expect(isAlive()).toBe(true)
    await crew.tracker.cancel(task.id)
    await ended
    expect(isAlive()).toBe(false)
    const question = await ana.send('bo', 'Which port?')
    const reply = crew.communications.awaitReply(question.id!)
    await manual.settle()
    expect(isAlive()).toBe(true)
    await bo.reply(question, 8080)
    expect((await reply).content).toBe(8080)
    await manual.settle()
    expect(isAlive()).toBe(false)
  })
})

describe('a handler that throws', () => {
  it('is told to onError once nothing tries its task again', async () => {
    const environment = manualEnvironment()
    const errors: unknown[] = []
    const crew = await openCrew({ environment, onError: (error) => errors.push(error), retry: { attempts: 2 } })
    const ana = await crew.join('ana')
    await crew.tracker.create({ description: 'Tides' })
    ana.work(() => {
      throw new Error('no such tide')
    })
    await environment.settle()
    expect(errors).toEqual([])
    await environment.advance('1m')
    expect(errors).toEqual([new Error('no such tide')])
  })
})
