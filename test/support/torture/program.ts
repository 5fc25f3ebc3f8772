// One process under torture: works as fast as is reasonable until it is killed, and tells each answer that it gets.
import { openCrew } from 'crewlog'
import { engineOf } from '../all-engines.js'
import { Hands, MEMBERS } from './hands.js'
import { type Life, tell } from './told.js'

const life = JSON.parse(process.argv[2]!) as Life
const { storage } = await (await engineOf(life.engine)).connect(life.place)
const trouble = (error: unknown): void => {
  tell({ did: 'trouble', fact: error instanceof Error ? (error.stack ?? error.message) : String(error) })
}
const crew = await openCrew({
  ...life.crew,
  storage,
  limits: { pairRate: 1_000_000, mailbox: 1_000_000 },
  onError: trouble,
})
tell({ did: 'open', fact: '' })
await Promise.all(MEMBERS.map((id) => crew.join(id, { capacity: 1000 })))
await new Hands(crew, life, trouble).work()
