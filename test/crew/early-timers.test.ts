import { type Environment, leastLoaded, openCrew } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { expect, it } from 'vitest'

// Timers of Node fire up to a millisecond before the wall clock says that it is time, which goes on while a turn runs.
// Seen to fail without `hasTurned` in `#arm` of task-news.ts: whoever looked between the turn and the next timer had let
// the clock move the task, so that no timer was set, and nobody was called.
const EARLY_MS = Array.from({ length: 12 }, (_, ms) => ms)

it.each(EARLY_MS.flatMap((ms) => [[ms, true] as const, [ms, false] as const]))(
  'a task is worked on when its time has come, though the timer fires %i ms early (assigned automatically: %s)',
  async (earlyMs, automatic) => {
    const manual = manualEnvironment()
    let asked = 0
    const environment: Environment = {
      ...manual,
      // A machine on which each look at the clock takes a millisecond.
      now: () => manual.now() + asked++,
      setTimer: (run, ms, ...more) => manual.setTimer(run, Math.max(0, ms - earlyMs), ...more),
    }
    const crew = await openCrew({ environment, assignment: { strategy: leastLoaded(), automatic } })
    const ana = await crew.join('ana')
    ana.work(() => 'done')
    await manual.settle()
    const assignees = automatic ? [] : ['ana']
    const { id } = await crew.tracker.create({ description: 'Tides', assignees, notBefore: manual.now() + 10_000 })
    await manual.advance('40s')
    expect(crew.tracker.status(id)).toBe('completed')
  },
)
