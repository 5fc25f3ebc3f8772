import { enduresNetwork } from '../../support/network/endures-network.js'

await enduresNetwork('postgres', (sent, description) => sent.includes(description))
// A transaction of several statements ends with one of its own.
await enduresNetwork('mariadb', (sent) => sent.endsWith('\x03commit'))
