// One of the processes that claim and complete as fast as they can, from when they are told to until nothing is left.
import { openCrew } from 'crewlog'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { engineOf } from '../all-engines.js'
import type { Rival, Tally } from './told.js'

const { engine, place, member: name, hands } = JSON.parse(process.argv[2]!) as Rival
const connection = await (await engineOf(engine)).connect(place)
const { storage } = connection
let commits = 0
let refusals = 0
const append = storage.append.bind(storage)
storage.append = async (...call) => {
  const answer = await append(...call)
  if (answer.appended) commits++
  else refusals++
  return answer
}
const crew = await openCrew({ storage })
const member = crew.as(name)
writeSync(1, 'open\n')
await once(process.stdin, 'data')
process.stdin.destroy()

const cpu = process.cpuUsage()
const done: string[] = []
const hand = async (): Promise<void> => {
  for (let attempt = await member.claim(); attempt; attempt = await member.claim()) {
    await attempt.complete()
    done.push(attempt.task.id)
  }
}
await Promise.all(Array.from({ length: hands }, hand))
const { user, system } = process.cpuUsage(cpu)
const tally: Tally = { done, commits, refusals, cpuMs: (user + system) / 1000 }
writeSync(1, `${JSON.stringify(tally)}\n`)
await crew.close()
await connection.close()
