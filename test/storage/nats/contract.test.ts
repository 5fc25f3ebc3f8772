import { keepsContract } from '../../support/engines.js'
import { nats } from '../../support/engines/nats.js'

await keepsContract(nats)
