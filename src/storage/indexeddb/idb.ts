// What is used of IndexedDB, so that neither Node nor a user's compiler need know the types of a browser.

/** What `indexedDB` is in browsers, as far as it is used. */
export interface IndexedDbFactory {
  open(name: string, version?: number): unknown
}

/** What `IDBKeyRange` is in browsers, as far as it is used. */
export interface IndexedDbKeyRange {
  bound(lower: unknown, upper: unknown): unknown
}

export interface Idb {
  readonly indexedDB: IndexedDbFactory
  readonly IDBKeyRange: IndexedDbKeyRange
}

/** Compared part by part, texts by their UTF-16 units, numbers before texts. */
export type Key = string | readonly (string | number)[]
/** All keys between two, both included. */
export type Range = object
export type Mode = 'readonly' | 'readwrite'
export type Durability = 'strict' | 'relaxed'
export type StoreName = 'heads' | 'commits' | 'checkpoints' | 'parts' | 'drafts'

export interface IdbRequest<T> {
  readonly result: T
  /** Once it has failed. */
  readonly error: Error
  onsuccess: (() => void) | null
  onerror: ((event: { preventDefault(): void }) => void) | null
}

export interface OpenRequest extends IdbRequest<Database> {
  onupgradeneeded: (() => void) | null
  onblocked: (() => void) | null
}

export interface Database {
  readonly objectStoreNames: { contains(name: string): boolean }
  createObjectStore(name: string): unknown
  transaction(stores: readonly StoreName[], mode: Mode, options: { readonly durability: Durability }): Transaction
  close(): void
  onversionchange: (() => void) | null
  onclose: (() => void) | null
}

export interface Transaction {
  readonly error: Error | null
  objectStore(name: StoreName): ObjectStore
  abort(): void
  /** Spares waiting to see whether more is asked; older browsers lack it. */
  commit?(): void
  oncomplete: (() => void) | null
  onabort: (() => void) | null
}

export interface ObjectStore {
  get(key: Key): IdbRequest<unknown>
  getAll(query: Range, count?: number): IdbRequest<readonly unknown[]>
  count(query: Range): IdbRequest<number>
  put(value: unknown, key: Key): unknown
  delete(query: Key | Range): unknown
}

export const answerOf = <T>(request: IdbRequest<T>): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result)
    }
    request.onerror = () => {
      reject(request.error)
    }
  })
