import { type JournalStorage, openCrew } from 'crewlog'
import { indexedDbStorage } from 'crewlog/storage/indexeddb'
import { checkJournal } from 'crewlog/testing'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkpoint, commit, commits, partsAt, partsOf } from '../../../src/testing/storage-contract/samples.js'
import { IDBFactory, IDBKeyRange } from '../../support/fake-browser.js'
import { answered, type IdbFactory, type IdbStore } from '../../support/idb.js'
import { refusing } from '../../support/refusing.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

let names = 0
/** Two tabs of one profile. */
function twoTabs(): {
  readonly name: string
  readonly browser: IdbFactory
  readonly tabs: [JournalStorage, JournalStorage]
} {
  const browser = new IDBFactory()
  const name = `shop ${++names}`
  const open = () => indexedDbStorage(name, { indexedDB: browser, IDBKeyRange })
  return { name, browser, tabs: [open(), open()] }
}

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('two tabs on one crew', () => {
  it('do each task once, and wake each other', async () => {
    const { tabs } = twoTabs()
    const done: string[] = []
    const crews = await Promise.all(tabs.map((storage) => openCrew({ storage })))
    const members = ['ana', 'bo']
    for (const [index, crew] of crews.entries()) {
      await crew.join(members[index]!, { capacity: 4 })
      await crew.sync()
    }
    for (const [index, crew] of crews.entries()) crew.as(members[index]!).work(({ task }) => void done.push(task.id))
    await Promise.all(
      crews.flatMap((crew) =>
        [1, 2, 3, 4, 5].map((n) =>
          crew.tracker.createMany(Array.from({ length: 20 }, (_, i) => ({ description: `${n}.${i}` }))),
        ),
      ),
    )
    await Promise.all(crews.map((crew) => crew.sync()))
    await Promise.all(crews.map((crew) => crew.idle()))
    expect(done).toHaveLength(200)
    expect(new Set(done).size).toBe(200)
    await Promise.all(crews.map((crew) => crew.close()))
    expect(await checkJournal(tabs[0])).toEqual([])
  })

  // Guard: the postMessage of `tell`.
  it('tell each other of commits, by journal', async () => {
    const [here, there] = twoTabs().tabs
    const woken: string[] = []
    const told = new Promise<void>((resolve) => {
      there.watch?.('other', () => woken.push('other'))
      there.watch?.('crew', () => {
        woken.push('crew')
        resolve()
      })
    })
    await here.append('crew', commit(1))
    await told
    expect(woken).toEqual(['crew'])
    await there.close?.('crew')
  })

  it('hear nothing where there is no BroadcastChannel, and see everything when they look', async () => {
    vi.stubGlobal('BroadcastChannel', undefined)
    const [here, there] = twoTabs().tabs
    let wakes = 0
    here.watch?.('crew', () => wakes++)
    await here.append('crew', commit(1))
    expect(wakes).toBe(1)
    expect(await there.read('crew', 0, 10)).toEqual({ commits: [commit(1)] })
  })

  it('let go of database and channel when the last crew is closed', async () => {
    const { browser, name, tabs } = twoTabs()
    for (const storage of tabs) {
      const crew = await openCrew({ storage })
      await crew.join('ana').catch(() => undefined)
      await crew.close()
    }
    let blocked = 0
    const deleting = browser.deleteDatabase(name)
    deleting.onblocked = () => blocked++
    await answered(deleting)
    expect(blocked).toBe(0)
  })
})

it('a process that used it can exit', async () => {
  const program = `
    import 'fake-indexeddb/auto'
    import { openCrew } from './src/index.ts'
    import { indexedDbStorage } from './src/storage/indexeddb.ts'
    const storage = indexedDbStorage('shop')
    const crew = await openCrew({ storage })
    await crew.tracker.create({ description: 'Print' })
    storage.watch('crew', () => undefined)
    await crew.close()
    await storage.append('other', { seq: 1, id: 'a', prev: '', format: 1, at: 0, events: [] })
    console.log('done')
  `
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 })
  expect(stdout).toBe('done\n')
})

describe('names and bodies', () => {
  it('are told apart by their UTF-16 units: U+0000, halves of characters, quotes', async () => {
    const [here, there] = twoTabs().tabs
    const journals = [
      '\0',
      'a',
      'a\0',
      'a\0b',
      '\ud800',
      '\udc00',
      '\ud800\udc00',
      '\ufffd',
      'é',
      'e\u0301',
      "'",
      '"',
      'A',
      'a ',
      '💥',
    ]
    for (const [index, journal] of journals.entries()) {
      await here.append(journal, commit(1, { id: `first of ${index}` }))
      await here.saveCheckpoint(journal, checkpoint(index + 1, [`"\0 \ud800 ${index}"`]))
    }
    for (const [index, journal] of journals.entries()) {
      expect(await there.read(journal, 0, 10)).toEqual({ commits: [commit(1, { id: `first of ${index}` })] })
      const kept = await there.loadCheckpoint(journal)
      expect([kept?.seq, await partsOf(kept)]).toEqual([index + 1, [`"\0 \ud800 ${index}"`]])
    }
  })

  it('of journals must be texts that are not empty', async () => {
    const [here] = twoTabs().tabs
    for (const journal of ['', undefined, 7])
      await expect(here.read(journal as string, 0, 1)).rejects.toEqual(refusing('invalid_input', 'journal'))
  })
})

describe('a trim', () => {
  // Guard: TRIM_COMMITS.
  it('of thousands of commits lets others write before it is over', async () => {
    const [here, there] = twoTabs().tabs
    const appends = []
    for (let seq = 1; seq <= 2200; seq++) appends.push(here.append('crew', commit(seq)))
    await Promise.all(appends)
    const ended: string[] = []
    await Promise.all([
      here.trim('crew', 2150).then(() => ended.push('trim')),
      there.append('crew', commit(2201)).then(() => ended.push('append')),
    ])
    expect(ended).toEqual(['append', 'trim'])
    expect(await there.read('crew', 0, 1)).toEqual({ trimmedTo: 2150 })
    expect(await there.read('crew', 2150, 1)).toEqual({ commits: [commit(2151)] })
  })

  it('that is aborted halfway leaves a log that begins later', async () => {
    const [here, there] = twoTabs().tabs
    await Promise.all(commits(1, 2200).map((next) => here.append('crew', next)))
    const abort = new AbortController()
    const trimming = here.trim('crew', 2150, { signal: abort.signal })
    while (!('trimmedTo' in (await there.read('crew', 0, 1))));
    abort.abort()
    await expect(trimming).rejects.toEqual(refusing('cancelled', 'abort'))
    const run = await there.read('crew', 0, 1)
    const { trimmedTo } = run as { readonly trimmedTo: number }
    expect(trimmedTo % 1000).toBe(0)
    expect(await there.read('crew', trimmedTo, 5000)).toEqual({ commits: commits(trimmedTo + 1, 2200) })
  })
})

describe('a checkpoint', () => {
  it('may be long in the making: no transaction waits for its parts (SA-26)', async () => {
    const [here, there] = twoTabs().tabs
    async function* parts(): AsyncGenerator<string> {
      for (const part of partsAt(1)) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        // Nothing is held meanwhile.
        await there.append('crew', commit(++written))
        yield part
      }
    }
    let written = 0
    await here.saveCheckpoint('crew', { ...checkpoint(1), parts: parts() })
    expect(await partsOf(await there.loadCheckpoint('crew'))).toEqual(partsAt(1))
    expect(written).toBe(2)
  })

  /** Begins one that never ends, as a tab does that is closed. */
  async function leaveHalf(storage: JournalStorage): Promise<() => void> {
    let goOn = (): void => undefined
    await new Promise<void>((begun) => {
      async function* parts(): AsyncGenerator<string> {
        yield '"first"'
        begun()
        await new Promise<void>((resolve) => (goOn = resolve))
        yield '"last"'
      }
      half = storage.saveCheckpoint('crew', { ...checkpoint(9), parts: parts() })
      half.catch(() => undefined)
    })
    return () => {
      goOn()
    }
  }
  let half: Promise<void> = Promise.resolve()

  /** All that is kept of parts. */
  async function countParts(browser: IdbFactory, name: string): Promise<number> {
    const database = await answered(browser.open(name))
    const parts = database.transaction(['parts']).objectStore('parts')
    const all = await answered(parts.getAllKeys())
    database.close()
    return all.length
  }

  // Guard: #removeDrafts.
  it('that a closed tab left half written is thrown away after an hour', async () => {
    const { browser, name, tabs } = twoTabs()
    await leaveHalf(tabs[0])
    await tabs[1].saveCheckpoint('crew', checkpoint(1))
    expect(await countParts(browser, name)).toBe(3)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61 * 60_000 })
    await tabs[1].saveCheckpoint('crew', checkpoint(2))
    expect(await countParts(browser, name)).toBe(4)
  })

  // Guard: the count in #publish.
  it('whose parts were thrown away is not kept, and says so', async () => {
    const { browser, name, tabs } = twoTabs()
    const goOn = await leaveHalf(tabs[0])
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61 * 60_000 })
    await tabs[1].saveCheckpoint('crew', checkpoint(1))
    goOn()
    await expect(half).rejects.toEqual(refusing('storage_unavailable', 'save another'))
    expect((await tabs[1].loadCheckpoint('crew'))?.seq).toBe(1)
    expect(await countParts(browser, name)).toBe(2)
  })

  it('leaves nothing behind when it fails, is too old, or is replaced', async () => {
    const { browser, name, tabs } = twoTabs()
    const [here, there] = tabs
    for (const seq of [10, 20, 30, 30, 5]) await here.saveCheckpoint('crew', checkpoint(seq))
    async function* failing(): AsyncGenerator<string> {
      yield* partsAt(40)
      throw new Error('no more')
    }
    await expect(there.saveCheckpoint('crew', { ...checkpoint(40), parts: failing() })).rejects.toThrow('no more')
    const tooLarge = JSON.stringify('x'.repeat(here.maxCommitBytes))
    await expect(there.saveCheckpoint('crew', checkpoint(50, [...partsAt(50), tooLarge]))).rejects.toEqual(
      refusing('limit_exceeded', String(here.maxCommitBytes)),
    )
    expect(await countParts(browser, name)).toBe(4)
  })

  it('that is replaced while it is read says so, and one that is damaged says that', async () => {
    const { browser, name, tabs } = twoTabs()
    const [here, there] = tabs
    await here.saveCheckpoint('crew', checkpoint(1))
    const first = await there.loadCheckpoint('crew')
    for (const seq of [2, 3]) await here.saveCheckpoint('crew', checkpoint(seq))
    await expect(partsOf(first)).rejects.toEqual(refusing('storage_unavailable', 'newer'))
    const newest = await there.loadCheckpoint('crew')
    const database = await answered(browser.open(name))
    database.transaction(['parts'], 'readwrite').objectStore('parts').clear()
    database.close()
    await expect(partsOf(newest)).rejects.toEqual(refusing('journal_corrupt', 'missing'))
  })
})

it.each([
  ['lacks a commit', (store: IdbStore) => store.delete(['crew', 2])],
  ['has something else in the place of one', (store: IdbStore) => store.put('{}', ['crew', 2])],
  ['has another in the place of one', (store: IdbStore) => store.put(JSON.stringify(commit(3)), ['crew', 2])],
] as const)('a log that %s is journal_corrupt', async (_, damage) => {
  const { browser, name, tabs } = twoTabs()
  for (const next of commits(1, 3)) await tabs[0].append('crew', next)
  const database = await answered(browser.open(name))
  damage(database.transaction(['commits'], 'readwrite').objectStore('commits'))
  database.close()
  await expect(tabs[1].read('crew', 0, 10)).rejects.toEqual(refusing('journal_corrupt', 'journal crew'))
})
