import { keepsContract } from '../../support/engines.js'
import { pglite, startedPglite } from '../../support/engines/pglite.js'

// Before any test, as it takes seconds.
await startedPglite()
await keepsContract(pglite)
