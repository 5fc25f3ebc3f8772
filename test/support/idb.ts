import type { IndexedDbFactory } from 'crewlog/storage/indexeddb'

// What tests use of IndexedDB, whose own types are those of a browser.

export interface IdbRequest<T> {
  readonly result: T
  /** Once it has failed. */
  readonly error: Error
  onsuccess: (() => void) | null
  onerror: (() => void) | null
  onblocked: (() => void) | null
  onupgradeneeded: (() => void) | null
  addEventListener(type: 'success', listener: () => void): void
}
export interface IdbStore {
  getAllKeys(): IdbRequest<readonly unknown[]>
  put(value: unknown, key: unknown): unknown
  delete(key: unknown): unknown
  clear(): unknown
}
export interface IdbTransaction {
  readonly mode: string
  objectStore(name: string): IdbStore
  abort(): void
}
export interface IdbDatabase {
  readonly version: number
  createObjectStore(name: string): unknown
  transaction(stores: readonly string[], mode?: string, options?: { readonly durability?: string }): IdbTransaction
  close(): void
}
export interface IdbFactory extends IndexedDbFactory {
  open(name: string, version?: number): IdbRequest<IdbDatabase>
  deleteDatabase(name: string): IdbRequest<undefined>
}

/** What a request answers, once nothing blocks it. */
export const answered = <T>(request: IdbRequest<T>): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result)
    }
    request.onerror = () => {
      reject(request.error)
    }
  })

/** Whether somebody keeps it from going on. */
export const stillBlocked = (request: IdbRequest<unknown>): Promise<boolean> =>
  new Promise<boolean>((resolve, reject) => {
    request.onblocked = () => {
      resolve(true)
    }
    answered(request).then(() => {
      resolve(false)
    }, reject)
  })
