import { indexedDbStorage } from 'crewlog/storage/indexeddb'
import type { Engine } from '../engines.js'
import { IDBFactory, IDBKeyRange } from '../fake-browser.js'
import { type IdbFactory } from '../idb.js'

/** What a browser keeps, by place. */
const profiles = new Map<string, IdbFactory>()

/** A place is the profile of a browser, in this process alone; clients are its tabs. */
export const indexeddb: Engine = {
  name: 'IndexedDB',
  make: async () => {
    const place = crypto.randomUUID()
    profiles.set(place, new IDBFactory())
    return place
  },
  connect: async (place) => ({
    storage: indexedDbStorage(place, { indexedDB: profiles.get(place)!, IDBKeyRange }),
    close: () => Promise.resolve(),
  }),
  remove: async (place) => {
    profiles.delete(place)
  },
}
