import { enduresNetwork } from '../../support/network/endures-network.js'

// MP-07, over a connection that is half-open.
await enduresNetwork('postgres', (sent, description) => sent.includes(description))
// A transaction of several statements ends with one of its own.
await enduresNetwork('mariadb', (sent) => sent.endsWith('\x03commit'))
