import type { IndexedDbKeyRange } from 'crewlog/storage/indexeddb'
import * as fake from 'fake-indexeddb'
import type { IdbDatabase, IdbFactory } from './idb.js'

const { IDBFactory, IDBKeyRange, forceCloseDatabase } = fake as unknown as {
  readonly IDBFactory: new () => IdbFactory
  readonly IDBKeyRange: IndexedDbKeyRange
  /** As a browser does that clears the data of a site. */
  readonly forceCloseDatabase: (database: IdbDatabase) => void
}
export { IDBFactory, IDBKeyRange, forceCloseDatabase }
