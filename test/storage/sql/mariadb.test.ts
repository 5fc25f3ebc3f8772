import { keepsContract } from '../../support/engines.js'
import { mariadb } from '../../support/engines/mariadb.js'

await keepsContract(mariadb)
