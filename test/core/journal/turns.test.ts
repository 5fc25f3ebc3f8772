import { type Commit, CrewError, Journal, type JournalEvent, MemoryStorage } from 'crewlog'
import { manualEnvironment } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import type { Turn } from '../../../src/core/journal/projection.js'
import { Registers } from '../../support/registers.js'
import { watch } from '../../support/team.js'

/** A journal, its storage, and what that was asked for. */
async function opened(maxCommitBytes = Infinity) {
  const environment = manualEnvironment()
  const storage = Object.assign(new MemoryStorage(), { maxCommitBytes })
  const [append, read] = [storage.append.bind(storage), storage.read.bind(storage)]
  const commits: Commit[] = []
  const calls: (number | 'read')[] = []
  storage.append = (journal, commit) => {
    commits.push(commit)
    calls.push(commit.events.length)
    return append(journal, commit)
  }
  storage.read = (...call) => {
    calls.push('read')
    return read(...call)
  }
  Object.assign(storage, { watch: undefined })
  const journal = new Journal({ storage, environment, onError: () => undefined })
  const registers = Registers.on(journal)
  await journal.open()
  calls.length = 0
  return { environment, storage, journal, registers, commits, calls }
}

const write = (turn: Turn, id: string, op = 'op'): void => {
  turn.emit('register.written', id, { op })
}
const times = (count: number, run: () => Promise<unknown>): Promise<unknown>[] => Array.from({ length: count }, run)

/** Emits as long as there is room, and says how much there was. */
const fill = (turn: Turn): number => {
  let events = 0
  for (; !turn.isFull; events++) write(turn, 'full', 'x'.repeat(20))
  return events
}

describe('one turn', () => {
  it('decides no more than a thousand commands, be they ones that change nothing', async () => {
    const { journal, calls } = await opened()
    await Promise.all([
      ...times(1000, () => journal.decide(() => 'nothing')),
      journal.decide((turn) => {
        write(turn, 'a')
      }),
    ])
    // Those of the first turn are answered before the one of the next is sent.
    expect(calls.slice(0, 2)).toEqual(['read', 1])
  })

  it('decides no more once it has a thousand events, however few commands they are of', async () => {
    const { journal, calls } = await opened()
    const two = (): Promise<void> =>
      journal.decide((turn) => {
        write(turn, 'a')
        write(turn, 'b')
      })
    await Promise.all(times(600, two))
    expect(calls).toEqual([1000, 200])
  })

  it('is full for a command with a thousand events of its own, whatever others have in the commit', async () => {
    const { journal, calls } = await opened()
    const room = await Promise.all([
      journal.decide((turn) => {
        write(turn, 'a')
      }),
      journal.decide(fill),
    ])
    expect([room, calls]).toEqual([[undefined, 1000], [1001]])
  })

  it('leaves a command that fills what the storage takes to a commit of its own', async () => {
    const alone = await opened(4000)
    const room = await alone.journal.decide(fill)
    const { journal, calls } = await opened(4000)
    const rooms = await Promise.all([
      journal.decide((turn) => {
        write(turn, 'a')
      }),
      journal.decide(fill),
    ])
    expect(rooms).toEqual([undefined, room])
    expect(calls).toEqual([1, room])
  })

  it('writes of an event what was said, and nothing undefined', async () => {
    const { journal, commits } = await opened()
    await journal.decide((turn) => {
      turn.emit('register.written', 'a', { op: '1' })
      turn.emit('register.written', 'a', { op: '2' }, 'ana')
      turn.emit('register.written', 'a', { op: '3' }, undefined, 3)
      turn.emit('register.written', 'a', { op: '4' }, 'ana', 4)
    })
    const keys = (event: JournalEvent): string => Object.keys(event).join(' ')
    expect(commits[0]!.events.map(keys)).toEqual([
      'type id at changes',
      'type id by at changes',
      'type id version at changes',
      'type id version by at changes',
    ])
  })
})

describe('a command that keeps something and is refused', () => {
  it('may have happened if the fate of its commit is open, unlike one that keeps nothing', async () => {
    const { journal, storage, environment } = await opened()
    storage.append = () => Promise.reject(new CrewError('storage_unavailable', 'away'))
    const refused = (keeps: boolean): Promise<void> =>
      journal.decide((turn) => {
        write(turn, 'a')
        if (keeps) turn.keep()
        throw new CrewError('not_found', 'a')
      })
    const answers = [refused(true), refused(false)].map((answer) => watch(answer))
    await environment.advance('1m')
    expect(answers.map(({ state }) => state)).toEqual(['outcome_unknown', 'storage_unavailable'])
  })
})

describe('what follows from a command', () => {
  it('is asked for after a change only, in the same commit, and may answer instead', async () => {
    const { journal, commits } = await opened()
    const asked: unknown[] = []
    journal.afterEach((turn, answer) => {
      asked.push(answer)
      write(turn, 'follows')
      return 'followed'
    })
    const answers = await Promise.all([
      journal.decide(() => 'nothing'),
      journal.decide((turn) => {
        write(turn, 'a')
        return 'changed'
      }),
      journal.decide(() => 'nothing'),
    ])
    expect(answers).toEqual(['nothing', 'followed', 'nothing'])
    expect(new Set(asked)).toEqual(new Set(['changed']))
    expect(commits.map(({ events }) => events.map(({ id }) => id))).toEqual([['a', 'follows']])
  })

  it.each([
    ['fails', 'sequel'],
    ['is more than the storage takes', 'x'.repeat(4000)],
  ])('is taken back when it %s, and takes nothing else with it', async (_, op) => {
    const { journal, registers, commits } = await opened(4000)
    journal.afterEach((turn) => {
      write(turn, 'follows', op)
      if (op === 'sequel') throw new Error('failed')
    })
    const answer = journal.decide((turn) => {
      write(turn, 'a')
      return 'changed'
    })
    expect(await answer).toBe('changed')
    expect(commits.map(({ events }) => events.map(({ id }) => id))).toEqual([['a']])
    expect([...registers.values.keys()]).toEqual(['a'])
  })

  it('goes with its command to the next commit when there is room for both', async () => {
    const { journal, commits } = await opened(4000)
    journal.afterEach((turn, answer) => {
      write(turn, `after ${String(answer)}`, 'x'.repeat(1500))
    })
    const changed = (id: string): Promise<string> =>
      journal.decide((turn) => {
        write(turn, id)
        return id
      })
    await Promise.all(['a', 'b', 'c'].map(changed))
    const ids = commits.map(({ events }) => events.map(({ id }) => id))
    expect(ids).toEqual([
      ['a', 'after a', 'b', 'after b'],
      ['c', 'after c'],
    ])
  })

  it('that fails is taken back for each command by itself', async () => {
    const { journal, commits } = await opened(4000)
    journal.afterEach((turn) => {
      write(turn, 'follows')
      throw new CrewError('not_found', 'failed')
    })
    const changed = (id: string): Promise<void> =>
      journal.decide((turn) => {
        write(turn, id)
      })
    await Promise.all(['a', 'b'].map(changed))
    expect(commits.map(({ events }) => events.map(({ id }) => id))).toEqual([['a', 'b']])
  })
})
