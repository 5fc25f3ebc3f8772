import { indexedDbStorage } from 'crewlog/storage/indexeddb'
import { storageContract } from 'crewlog/testing'
import { describe, expect, it } from 'vitest'
import { checkpoint, commit, partsOf } from '../../src/testing/storage-contract/samples.js'
import { answered, type IdbFactory } from '../support/idb.js'

const { indexedDB } = globalThis as unknown as { readonly indexedDB: IdbFactory }

storageContract({
  name: 'the IndexedDB of a browser',
  describe,
  it,
  open: () => {
    const name = crypto.randomUUID()
    return {
      storage: indexedDbStorage(name),
      rival: indexedDbStorage(name),
      dispose: () => answered(indexedDB.deleteDatabase(name)),
    }
  },
})

it('tells names apart by their UTF-16 units: U+0000, halves of characters, quotes', async () => {
  const database = crypto.randomUUID()
  const [here, there] = [indexedDbStorage(database), indexedDbStorage(database)]
  const names = ['\0', 'a', 'a\0', 'a\0b', '\ud800', '\udc00', '\ufffd', '\u00e9', 'e\u0301', "'", '"', 'A', 'a ']
  for (const [index, name] of names.entries()) {
    await here.append(name, commit(1, { id: `\0 \ud800 ${index}` }))
    await here.saveCheckpoint(name, checkpoint(index + 1, [`"\0 \ud800 ${index}"`]))
  }
  for (const [index, name] of names.entries()) {
    expect(await there.read(name, 0, 10)).toEqual({ commits: [commit(1, { id: `\0 \ud800 ${index}` })] })
    expect(await there.append(name, commit(2, { prev: `\0 \ufffd ${index}` }))).toEqual({ appended: false })
    expect(await there.append(name, commit(2, { prev: `\0 \ud800 ${index}` }))).toEqual({ appended: true })
    expect(await partsOf(await there.loadCheckpoint(name))).toEqual([`"\0 \ud800 ${index}"`])
  }
  await answered(indexedDB.deleteDatabase(database))
})
