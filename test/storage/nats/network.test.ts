import { enduresNetwork } from '../../support/network/endures-network.js'

await enduresNetwork('nats', (sent, description) => sent.includes(description))
