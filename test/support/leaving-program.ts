// Opens a crew, waits until its server is gone if it is to be, lets go of all it has, and ends if nothing holds it.
import { openCrew } from 'crewlog'
import { nats } from './engines/nats.js'
import { redis } from './engines/redis.js'

export interface Leaving {
  readonly engine: 'nats' | 'redis'
  readonly place: string
  readonly isServerLost: boolean
}

const { engine, place, isServerLost } = JSON.parse(process.argv[2]!) as Leaving
const connection = await { nats, redis }[engine].connect(place)
const crew = await openCrew({ storage: connection.storage, onError: () => undefined })
await crew.tracker.create({ description: 'Work' })
console.log('open')
const isThere = (): Promise<boolean> =>
  connection.storage.read('crew', 0, 1, { timeoutMs: 200 }).then(
    () => true,
    () => false,
  )
while (isServerLost && (await isThere()));
await crew.close()
await connection.close()
console.log('closed')
