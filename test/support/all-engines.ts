import type { Engine } from './engines.js'

/** Every engine that several processes can use, by its name, loaded only when it is asked for: a process starts with the client of no other. */
const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  file: async () => (await import('./engines/file.js')).file,
  libsql: async () => (await import('./engines/libsql.js')).libsql,
  postgres: async () => (await import('./engines/postgres.js')).postgres,
  mariadb: async () => (await import('./engines/mariadb.js')).mariadb,
  nats: async () => (await import('./engines/nats.js')).nats,
  redis: async () => (await import('./engines/redis.js')).redis,
}

export const ENGINE_NAMES: readonly string[] = Object.keys(ENGINES)

/** Those that any number of processes write. */
export const SHARED_ENGINE_NAMES: readonly string[] = ENGINE_NAMES.filter((name) => name !== 'file')

export async function engineOf(name: string): Promise<Engine> {
  const load = ENGINES[name]
  if (!load) throw new Error(`There is no engine ${name}; take one of ${ENGINE_NAMES.join(', ')}`)
  return load()
}
