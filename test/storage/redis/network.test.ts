import { enduresNetwork } from '../../support/network/endures-network.js'

await enduresNetwork('redis', (sent, description) => sent.includes(description))
