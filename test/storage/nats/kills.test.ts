import { survivesKills } from '../../support/torture/survives-kills.js'

await survivesKills('nats')
