import { expect, it } from 'vitest'
import { MemoryStorage, openCrew } from 'crewlog'
import { stateOf } from '../support/crew-state.js'
import { openTeam } from '../support/team.js'

it('a past opens from the newest checkpoint below it, also where the log is trimmed up to there', async () => {
  const storage = new MemoryStorage()
  const { crew, tracker, environment } = await openTeam(['ana'], { storage })
  const states = new Map<number, unknown>()
  const work = async () => {
    for (let n = 0; n < 5; n++) {
      await environment.advance('1m')
      await tracker.create({ description: 'x' })
      states.set(crew.journal.head!.seq, stateOf(crew))
    }
  }
  await work()
  await crew.checkpoint()
  await work()
  await crew.checkpoint()
  await work()
  const older = (await storage.loadCheckpoint('crew', (await storage.loadCheckpoint('crew'))!.seq))!.seq
  await storage.trim('crew', older - 2)
  const open = (seq: number) => openCrew({ storage, environment, at: { seq } })
  for (const [seq, state] of states) {
    if (seq < older) await expect(open(seq)).rejects.toMatchObject({ code: 'cursor_expired' })
    else expect(stateOf(await open(seq))).toEqual(state)
  }
  await expect((await open(older)).checkpoint()).rejects.toMatchObject({ code: 'read_only' })
  const then = await openCrew({ storage, environment, at: { time: environment.now() - 90_000 } })
  expect(stateOf(then)).toMatchObject({ tasks: { length: 13 } })
})
