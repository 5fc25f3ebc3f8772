// Clients are loaded when they are asked for: programs that use one server start with no other's.

/** The servers that tests use where they answer: where each is told to be, and where it is looked for without. */
const SERVICES = {
  PostgreSQL: { variable: 'CREWLOG_POSTGRES', usual: 'postgres://postgres@127.0.0.1:5432/test', ask: askPostgres },
  MariaDB: { variable: 'CREWLOG_MARIADB', usual: 'mysql://root@127.0.0.1:3306/test', ask: askMariadb },
  Redis: { variable: 'CREWLOG_REDIS', usual: 'redis://127.0.0.1:6379', ask: askRedis },
  NATS: { variable: 'CREWLOG_NATS', usual: 'nats://127.0.0.1:4222', ask: askNats },
} as const

export type Service = keyof typeof SERVICES

export function addressOf(service: Service): string {
  const { variable, usual } = SERVICES[service]
  return process.env[variable] ?? usual
}

/**
 * Whether tests of `service` have to be skipped because it does not answer, which is said in a line; with
 * CREWLOG_REQUIRE_SERVICES=1 it throws instead.
 */
export async function isMissing(service: Service | undefined): Promise<boolean> {
  if (!service) return false
  const { variable, ask } = SERVICES[service]
  const address = addressOf(service)
  try {
    await ask(address)
    return false
  } catch (error) {
    const why = error instanceof Error ? error.message || error.name : String(error)
    const missing = `${service} does not answer at ${address} (${why}); ${variable} tells where it is`
    if (process.env.CREWLOG_REQUIRE_SERVICES === '1') throw new Error(missing, { cause: error })
    console.warn(`Skipped: ${missing}`)
    return true
  }
}

async function askPostgres(address: string): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: 2000 })
  await client.connect()
  await client.end()
}

async function askMariadb(address: string): Promise<void> {
  const { createConnection } = await import('mysql2/promise')
  const connection = await createConnection({ uri: address, connectTimeout: 2000 })
  await connection.end()
}

async function askRedis(address: string): Promise<void> {
  const { Redis } = await import('ioredis')
  const client = new Redis(address, { lazyConnect: true, connectTimeout: 2000, retryStrategy: () => null })
  // What it complains of comes out of connect() as well.
  client.on('error', () => undefined)
  await client.connect()
  client.disconnect()
}

async function askNats(address: string): Promise<void> {
  const { connect } = await import('@nats-io/transport-node')
  const connection = await connect({ servers: address, timeout: 2000, reconnect: false })
  await connection.close()
}
