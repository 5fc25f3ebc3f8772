import { onAbort } from '../../core/abortable.js'
import { CrewError } from '../../core/errors.js'
import { blocked, failed, foreign, full, isNamed, refused } from './failures.js'
import type { Database, Durability, Idb, Key, Mode, OpenRequest, Range, StoreName, Transaction } from './idb.js'

/** Of the object stores and of what is in them. */
const VERSION = 1
const STORES: readonly StoreName[] = ['heads', 'commits', 'checkpoints', 'parts', 'drafts']

/**
 * One database, opened when it is needed, and anew after it was closed under us: by the browser, or because another tab
 * wants to delete or upgrade it.
 */
export class Connection {
  readonly name: string

  readonly #idb: () => Idb
  readonly #durability: Durability
  /** Hears that it was closed under us. */
  readonly #onLost: () => void
  /** The one opening whose database counts; any other is closed. */
  #opening: Promise<Database> | undefined
  /** What came of it. */
  #database: Database | undefined

  constructor(name: string, idb: () => Idb, durability: Durability, onLost: () => void) {
    this.name = name
    this.#idb = idb
    this.#durability = durability
    this.#onLost = onLost
  }

  range(lower: Key, upper: Key): Range {
    return this.#idb().IDBKeyRange.bound(lower, upper) as Range
  }

  /** Rejects with what says why there is no database. */
  async open(signal: AbortSignal): Promise<Database> {
    signal.throwIfAborted()
    const opening = (this.#opening ??= this.#request())
    // Some browsers forget to answer: the next call asks again.
    const off = onAbort(signal, () => {
      if (!this.#database) this.#forget(opening)
    })
    try {
      return await opening
    } catch (error) {
      this.#forget(opening)
      throw error
    } finally {
      off()
    }
  }

  /**
   * Runs `work` whole or not at all, and resolves once it is kept. Work may await what its own requests answer, and
   * nothing else: a transaction ends as soon as nothing is asked of it.
   */
  async transact<T>(
    mode: Mode,
    stores: readonly StoreName[],
    signal: AbortSignal,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const transaction = await this.#begin(mode, stores, signal)
    const database = this.#database
    try {
      return await run(transaction, signal, work)
    } catch (error) {
      signal.throwIfAborted()
      if (CrewError.is(error)) throw error
      if (isNamed(error, 'QuotaExceededError')) throw full(this.name, error)
      // Whatever ails it, a new connection may not have it.
      this.#drop(database)
      throw failed(this.name, error)
    }
  }

  /** Transactions that have begun go on to their end. */
  close(): void {
    this.#opening = undefined
    this.#drop(this.#database)
  }

  async #begin(mode: Mode, stores: readonly StoreName[], signal: AbortSignal): Promise<Transaction> {
    for (let isSecondTry = false; ; isSecondTry = true) {
      const database = await this.open(signal)
      signal.throwIfAborted()
      try {
        return database.transaction(stores, mode, { durability: this.#durability })
      } catch (error) {
        // It was closing. Nothing was asked of it yet, so it is as good as not begun.
        this.#drop(database)
        if (isSecondTry) throw failed(this.name, error)
      }
    }
  }

  #request(): Promise<Database> {
    const opening = new Promise<Database>((resolve, reject) => {
      const request = this.#idb().indexedDB.open(this.name, VERSION) as OpenRequest
      request.onupgradeneeded = () => {
        const { objectStoreNames } = request.result
        for (const store of STORES) if (!objectStoreNames.contains(store)) request.result.createObjectStore(store)
      }
      request.onblocked = () => {
        reject(blocked(this.name))
      }
      request.onerror = (event) => {
        // Firefox would report it as an error of the page.
        event.preventDefault()
        reject(request.error)
      }
      request.onsuccess = () => {
        const database = request.result
        const isOurs = STORES.every((store) => database.objectStoreNames.contains(store))
        if (isOurs && this.#opening === opening) this.#watch(database)
        else database.close()
        if (isOurs) resolve(database)
        else reject(foreign(this.name))
      }
    }).catch((error: unknown) => {
      throw CrewError.is(error) ? error : refused(this.name, error)
    })
    return opening
  }

  #watch(database: Database): void {
    this.#database = database
    const lost = (): void => {
      this.#drop(database)
      this.#onLost()
    }
    database.onversionchange = lost
    database.onclose = lost
  }

  #forget(opening: Promise<Database>): void {
    if (this.#opening === opening) this.#opening = undefined
  }

  #drop(database: Database | undefined): void {
    database?.close()
    if (this.#database !== database) return
    this.#database = undefined
    this.#opening = undefined
  }
}

async function run<T>(
  transaction: Transaction,
  signal: AbortSignal,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const abort = (): void => {
    unlessEnded(() => {
      transaction.abort()
    })
  }
  const off = onAbort(signal, abort)
  const kept = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve()
    }
    transaction.onabort = () => {
      reject(transaction.error ?? new Error('The transaction was aborted'))
    }
  })
  const worked = work(transaction).catch((error: unknown) => {
    abort()
    // A request that fails because of the whole says less.
    throw transaction.error ?? error
  })
  const asked = worked.then(() => {
    unlessEnded(() => transaction.commit?.())
  })
  try {
    await Promise.all([asked, kept])
    return await worked
  } finally {
    off()
  }
}

/** A transaction that has ended, by itself or in vain, can be told nothing any more. */
function unlessEnded(tell: () => void): void {
  try {
    tell()
  } catch (error) {
    if (!isNamed(error, 'InvalidStateError')) throw error
  }
}
