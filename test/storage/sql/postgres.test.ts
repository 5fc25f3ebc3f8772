import { keepsContract } from '../../support/engines.js'
import { postgres } from '../../support/engines/postgres.js'

await keepsContract(postgres)
