import { keepsContract } from '../../support/engines.js'
import { libsql } from '../../support/engines/libsql.js'

await keepsContract(libsql)
