import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileProgram, type Program } from '../support/child-programs.js'
import { placeAt as natsPlace } from '../support/engines/nats.js'
import { placeAt as redisPlace } from '../support/engines/redis.js'
import type { Leaving } from '../support/leaving-program.js'
import { ownNats, urlOf as natsUrl } from '../support/nats-client.js'
import { ownRedis, urlOf as redisUrl } from '../support/own-redis.js'
import { isNotInstalled, type OwnServer, useOwnServers } from '../support/own-servers.js'

const engines = {
  redis: {
    binary: 'redis-server',
    start: () => ownRedis(),
    place: (server: OwnServer) => redisPlace(redisUrl(server)),
  },
  nats: { binary: 'nats-server', start: () => ownNats(), place: (server: OwnServer) => natsPlace(natsUrl(server)) },
}

let program: Program

beforeAll(async () => {
  program = await compileProgram('test/support/leaving-program.ts')
})

afterAll(() => program.remove())

describe.each(['redis', 'nats'] as const)('a process with a crew in %s', (engine) => {
  const { binary, start, place } = engines[engine]
  useOwnServers()

  it.skipIf(isNotInstalled(binary)).each([
    ['there', false],
    ['gone', true],
  ])('ends when it has closed the crew and its client, while the server is %s', async (_, isServerLost) => {
    const server = await start()
    const said: string[] = []
    const what: Leaving = { engine, place: place(server), isServerLost }
    const child = program.start(what, (line) => {
      said.push(line)
      if (line === 'open' && isServerLost) void server.stop()
    })
    await child.ended
    expect(child.complaint).toBe('')
    expect(said).toEqual(['open', 'closed'])
  })
})
