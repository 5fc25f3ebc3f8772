import { CrewError, openCrew } from 'crewlog'
import { indexedDbStorage } from 'crewlog/storage/indexeddb'
import { checkJournal, recordEvents } from 'crewlog/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { commit, commits } from '../../../src/testing/storage-contract/samples.js'
import { forceCloseDatabase, IDBFactory, IDBKeyRange } from '../../support/fake-browser.js'
import {
  answered,
  type IdbDatabase,
  type IdbFactory,
  type IdbRequest,
  type IdbTransaction,
  stillBlocked,
} from '../../support/idb.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

/** A browser that tests can look into, and that misbehaves as they say. */
class Browser extends IDBFactory {
  readonly opened: IdbDatabase[] = []
  readonly durabilities: (string | undefined)[] = []
  onOpen: (() => IdbRequest<IdbDatabase> | undefined) | undefined
  onTransaction: ((transaction: IdbTransaction) => void) | undefined

  override open(name: string, version = 1): IdbRequest<IdbDatabase> {
    const instead = this.onOpen?.()
    if (instead) return instead
    const request = super.open(name, version)
    request.addEventListener('success', () => {
      const database = request.result
      this.opened.push(database)
      const transaction = database.transaction.bind(database)
      database.transaction = (stores, mode, options) => {
        const begun = transaction(stores, mode, options)
        if (mode === 'readwrite') this.durabilities.push(options?.durability)
        this.onTransaction?.(begun)
        return begun
      }
    })
    return request
  }
}

const tab = (browser: IdbFactory, options = {}) =>
  indexedDbStorage('shop', { indexedDB: browser, IDBKeyRange, ...options })

/** A tab that has a release of crewlog with another version of the database. */
const newerTab = (browser: IdbFactory) =>
  tab({ open: (name, version = 1) => browser.open(name, version + 1) } as IdbFactory)

const failsWith = (code: string, ...words: readonly string[]) =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(new RegExp(words.join('[^]*'))) as unknown,
  }) as unknown

const failing = (name: string, message = ''): IdbRequest<IdbDatabase> => {
  const request = { error: new DOMException(message, name) } as unknown as IdbRequest<IdbDatabase> & {
    onerror: (event: Event) => void
  }
  setImmediate(() => request.onerror(new Event('error', { cancelable: true })))
  return request
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('a database that is closed under it (SA-27)', () => {
  it('is opened again, after the browser has closed it', async () => {
    const browser = new Browser()
    const storage = tab(browser)
    await storage.append('crew', commit(1))
    forceCloseDatabase(browser.opened[0]!)
    expect(await storage.append('crew', commit(2))).toEqual({ appended: true })
    expect(await storage.read('crew', 0, 10)).toEqual({ commits: commits(1, 2) })
    expect(browser.opened).toHaveLength(2)
  })

  // Guard: the second try of #begin.
  it('is opened again, though nothing was said of it', async () => {
    const browser = new Browser()
    const storage = tab(browser)
    await storage.append('crew', commit(1))
    browser.opened[0]!.close()
    const answers = await Promise.all([storage.append('crew', commit(2)), storage.read('crew', 0, 1)])
    expect(answers).toEqual([{ appended: true }, { commits: [commit(1)] }])
    expect(browser.opened).toHaveLength(2)
  })

  it('wakes who watches, because it may have lost its data', async () => {
    const browser = new Browser()
    const storage = tab(browser)
    await storage.open?.('crew')
    const woken = new Promise<void>((resolve) => storage.watch?.('crew', resolve))
    forceCloseDatabase(browser.opened[0]!)
    await woken
  })

  it('and will not open, is storage_unavailable until it does', async () => {
    const browser = new Browser()
    const storage = tab(browser)
    await storage.append('crew', commit(1))
    browser.onOpen = () => failing('UnknownError', 'Connection to Indexed Database server lost')
    forceCloseDatabase(browser.opened[0]!)
    await expect(storage.read('crew', 0, 1)).rejects.toEqual(failsWith('storage_unavailable', 'shop', 'server lost'))
    browser.onOpen = undefined
    expect(await storage.read('crew', 0, 1)).toEqual({ commits: [commit(1)] })
  })

  // Guard: `#drop` in `transact`.
  it('in the middle of a transaction has stored nothing, and takes the same commit later', async () => {
    const browser = new Browser()
    const storage = tab(browser)
    await storage.append('crew', commit(1))
    browser.onTransaction = (transaction) => {
      browser.onTransaction = undefined
      transaction.abort()
    }
    await expect(storage.append('crew', commit(2))).rejects.toEqual(failsWith('storage_unavailable', 'shop'))
    expect(await storage.append('crew', commit(2))).toEqual({ appended: true })
    expect(browser.opened).toHaveLength(2)
  })

  it('is asked again after an opening that was never answered', async () => {
    const browser = new Browser()
    const storage = tab(browser)
    browser.onOpen = () => ({}) as IdbRequest<IdbDatabase>
    await expect(storage.read('crew', 0, 1, { timeoutMs: 5 })).rejects.toEqual(failsWith('timed_out'))
    browser.onOpen = undefined
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
  })

  it('and deleted, is a log that went back: the crew says so and goes on', async () => {
    const browser = new Browser()
    const crew = await openCrew({ storage: tab(browser) })
    await crew.tracker.create({ description: 'Before' })
    const events = recordEvents(crew)
    const diverged = new Promise((resolve) => crew.on('diverged', resolve))
    // Guard: the close at `onversionchange`.
    await answered(browser.deleteDatabase('shop'))
    await diverged
    expect(events.types('task')).toEqual([])
    const { id } = await crew.tracker.create({ description: 'After' })
    expect(crew.tracker.list().map((task) => task.id)).toEqual([id])
    await crew.close()
    expect(await checkJournal(tab(browser))).toEqual([])
  })
})

describe('two tabs, one newer (SA-28)', () => {
  it('the older one lets the newer one upgrade, can only read from then on, and says what to do', async () => {
    const browser = new Browser()
    const errors: unknown[] = []
    let tellBroken = (): void => undefined
    const broken = new Promise<void>((resolve) => (tellBroken = resolve))
    const onError = (error: unknown): void => {
      errors.push(error)
      tellBroken()
    }
    const old = await openCrew({ storage: tab(browser), onError })
    const { id } = await old.tracker.create({ description: 'Made by the older' })
    const newer = await openCrew({ storage: newerTab(browser) })
    await newer.tracker.update(id, { priority: 7 })
    await broken
    await expect(old.tracker.create({ description: 'Too late' })).rejects.toEqual(failsWith('read_only', 'reload'))
    expect(errors).toEqual([failsWith('unsupported_version', 'shop', 'reload')])
    expect(old.tracker.get(id)?.description).toBe('Made by the older')
    await old.close()
    await newer.close()
  })

  it('goes on as before when the newer one gives up', async () => {
    const browser = new Browser()
    const storage = tab(browser)
    await storage.append('crew', commit(1))
    const upgrade = browser.open('shop', 2)
    upgrade.onupgradeneeded = () => {
      throw new Error('The newer page was closed')
    }
    await expect(answered(upgrade)).rejects.toThrow()
    expect(await storage.append('crew', commit(2))).toEqual({ appended: true })
  })

  // Guard: `onblocked`.
  it('the newer one does not hang while an older one holds on, and opens once it lets go', async () => {
    const browser = new Browser()
    const stubborn = await answered(browser.open('shop'))
    const storage = newerTab(browser)
    await expect(storage.open?.('crew')).rejects.toEqual(failsWith('storage_unavailable', 'close or reload'))
    const again = storage.open?.('crew')
    stubborn.close()
    await again
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    // Nothing is left open that would block the next.
    await storage.close?.('crew')
    expect(await stillBlocked(browser.deleteDatabase('shop'))).toBe(false)
  })
})

describe('a browser that keeps nothing (SA-29)', () => {
  it.each([
    ['throws at once', 'SecurityError', 'The operation is insecure.'],
    ['answers with an error', 'InvalidStateError', 'A mutation operation was attempted'],
    ['answers with an error', 'UnknownError', 'Internal error opening backing store'],
    ['answers with an error', 'QuotaExceededError', 'Encountered full disk'],
  ])('and %s (%s) is storage_unavailable, with what to do', async (how, name, message) => {
    const browser = new Browser()
    browser.onOpen = () => {
      if (how === 'throws at once') throw new DOMException(message, name)
      return failing(name, message)
    }
    const opening = openCrew({ storage: tab(browser) })
    await expect(opening).rejects.toEqual(failsWith('storage_unavailable', 'shop', name, message, 'Private windows'))
    browser.onOpen = undefined
    await (await openCrew({ storage: tab(browser) })).close()
  })

  it('or has no IndexedDB at all, says so at opening, not when the storage is made', async () => {
    const storage = indexedDbStorage('shop')
    await expect(openCrew({ storage })).rejects.toEqual(failsWith('invalid_input', 'no indexedDB', 'fake-indexeddb'))
    const half = indexedDbStorage('shop', { indexedDB: new IDBFactory() })
    await expect(half.read('crew', 0, 1)).rejects.toEqual(failsWith('invalid_input', 'no IDBKeyRange'))
  })

  // Guard: QuotaExceededError in `transact`.
  it('or has no room, refuses the write with limit_exceeded, and has changed nothing', async () => {
    const browser = new Browser()
    const crew = await openCrew({ storage: tab(browser) })
    const task = await crew.tracker.create({ description: 'Before' })
    browser.onTransaction = (transaction) => {
      if (transaction.mode !== 'readwrite') return
      const objectStore = transaction.objectStore.bind(transaction)
      let isFull = false
      const put = (): void => {
        if (isFull) return
        isFull = true
        Object.defineProperty(transaction, 'error', { value: new DOMException('No room.', 'QuotaExceededError') })
        queueMicrotask(() => {
          transaction.abort()
        })
      }
      transaction.objectStore = (store) => Object.assign(objectStore(store), { put })
    }
    const refused = failsWith('limit_exceeded', 'No room', 'nothing was stored')
    await expect(crew.tracker.create({ description: 'Too much' })).rejects.toEqual(refused)
    await expect(crew.checkpoint()).rejects.toEqual(refused)
    browser.onTransaction = undefined
    await crew.tracker.update(task.id, { priority: 2 })
    expect(crew.tracker.list().map(({ description }) => description)).toEqual(['Before'])
    await crew.close()
    expect(await checkJournal(tab(browser))).toEqual([])
  })
})

it('a database of somebody else is refused and left alone', async () => {
  const browser = new Browser()
  const other = await answered(browser.open('shop'))
  other.close()
  const storage = tab(browser)
  await expect(openCrew({ storage })).rejects.toEqual(failsWith('invalid_input', 'something else', 'name of its own'))
  expect(await stillBlocked(browser.deleteDatabase('shop'))).toBe(false)
})

it('asks for the durability that was chosen, and for strict when nothing was', async () => {
  for (const [options, asked] of [
    [{}, 'strict'],
    [{ durability: 'strict' }, 'strict'],
    [{ durability: 'relaxed' }, 'relaxed'],
  ] as const) {
    const browser = new Browser()
    await tab(browser, options).append('crew', commit(1))
    expect(browser.durabilities).toEqual([asked])
  }
})

it.each([
  ['no name', [undefined]],
  ['an empty name', ['']],
  ['an unknown option', ['shop', { fsync: true }]],
  ['an unknown durability', ['shop', { durability: 'none' }]],
  ['what is no IndexedDB', ['shop', { indexedDB: {} }]],
  ['what makes no ranges', ['shop', { IDBKeyRange: () => undefined }]],
])('refuses %s', (_, given) => {
  expect(() => indexedDbStorage(...(given as [string]))).toThrow(CrewError)
})
