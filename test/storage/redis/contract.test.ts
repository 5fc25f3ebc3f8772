import { keepsContract } from '../../support/engines.js'
import { nodeRedis, redis } from '../../support/engines/redis.js'

await keepsContract(redis)
await keepsContract(nodeRedis)
