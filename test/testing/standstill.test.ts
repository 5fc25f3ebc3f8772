import { openCrew } from 'crewlog'
import { completes, manualEnvironment, scriptedMember, takes } from 'crewlog/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Standstill } from '../../src/testing/standstill.js'

/** Real time, two seconds at a go, and what is told. */
function platform() {
  const told: string[] = []
  const looks: (() => void)[] = []
  const timer = { unref: vi.fn() }
  const setTimeout = (run: () => void): unknown => {
    looks.push(run)
    return timer
  }
  const pass = (): void => {
    for (const look of looks.splice(0)) look()
  }
  return { setTimeout, warn: (words: string) => told.push(words), told, looks, timer, pass }
}

describe('a hint that time stands still', () => {
  it('comes once, when something waits and nothing has happened for a while', () => {
    const real = platform()
    const standstill = new Standstill(() => 'something is waited for', real)
    standstill.watch()
    expect(real.told).toEqual([])
    real.pass()
    expect(real.told).toMatchObject([
      expect.stringMatching(/has stood still for 2 s, and something is waited for\. .* environment\.run\(promise\)/),
    ])
    standstill.watch()
    real.pass()
    expect(real.told).toHaveLength(1)
  })

  it('does not come while something happens, and comes when that has ended', () => {
    const real = platform()
    const standstill = new Standstill(() => 'something is waited for', real)
    standstill.watch()
    for (let time = 0; time < 3; time++) {
      standstill.stir()
      real.pass()
    }
    expect(real.told).toEqual([])
    real.pass()
    expect(real.told).toHaveLength(1)
  })

  it('does not come while time passes, however long that takes', async () => {
    const real = platform()
    const standstill = new Standstill(() => 'something is waited for', real)
    let arrive = (): void => undefined
    const moving = standstill.during(
      () =>
        new Promise<void>((resolve) => {
          arrive = resolve
        }),
    )
    standstill.watch()
    for (let time = 0; time < 3; time++) real.pass()
    expect(real.told).toEqual([])
    arrive()
    await moving
    real.pass()
    real.pass()
    expect(real.told).toHaveLength(1)
  })

  it('does not come when nothing waits any more', () => {
    const real = platform()
    let waiting: string | undefined = 'something is waited for'
    new Standstill(() => waiting, real).watch()
    waiting = undefined
    real.pass()
    expect([real.told, real.looks]).toEqual([[], []])
  })

  it('does not come of a test that has ended, while another one runs', () => {
    const real = platform()
    const left = new Standstill(() => 'something is waited for', real)
    const running = new Standstill(() => undefined, real)
    left.watch()
    running.stir()
    real.pass()
    expect(real.told).toEqual([])
  })

  it('keeps no process alive', () => {
    const real = platform()
    new Standstill(() => undefined, real).watch()
    expect(real.timer.unref).toHaveBeenCalledOnce()
  })
})

describe('a test that awaits what virtual time alone brings', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('is told how to let time pass', async () => {
    const environment = manualEnvironment()
    const crew = await openCrew({ environment })
    await scriptedMember(crew, 'ana', { script: [takes('90s'), completes()] })
    const { id } = await crew.tracker.create({ description: 'Tides' })
    const told = new Promise<unknown>((resolve) => {
      vi.spyOn(console, 'warn').mockImplementation(resolve)
    })
    const ended = crew.tracker.whenEnded(id)
    expect(await told).toContain('stood still for 2 s, and what is due in 90000 ms is waited for')
    await environment.run(ended)
    await crew.close()
  })
})
