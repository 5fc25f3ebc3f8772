import { enduresNetwork } from '../../support/network/endures-network.js'

// MP-07, over a connection that is half-open.
await enduresNetwork('nats', (sent, description) => sent.includes(description))
