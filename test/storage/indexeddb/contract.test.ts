import { keepsContract } from '../../support/engines.js'
import { indexeddb } from '../../support/engines/indexeddb.js'

await keepsContract(indexeddb)
