import { redisStorage, type SendRedisCommand } from 'crewlog/storage/redis'
import { Redis } from 'ioredis'
import { rm } from 'node:fs/promises'
import { describe, expect, it, vi } from 'vitest'
import { checkpoint, commit } from '../../../src/testing/storage-contract/samples.js'
import { asksForAll, endsSilence, openOver } from '../../support/bad-servers.js'
import { placeAt } from '../../support/engines/redis.js'
import { onRedis, ownRedis, urlOf } from '../../support/own-redis.js'
import { isNotInstalled, useOwnServers } from '../../support/own-servers.js'
import { clientOf, redisClient, useRedisClients } from '../../support/redis-client.js'
import { refusing } from '../../support/refusing.js'

describe('a client', () => {
  it('that queues commands for a server that is not there is told of after 10 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      const storage = redisStorage(() => new Promise(() => undefined))
      const refused = expect(storage.open!('crew')).rejects.toEqual(
        refusing('storage_unavailable', 'Redis cannot be reached; check that it runs, its address'),
      )
      await vi.advanceTimersByTimeAsync(10_000)
      await refused
      const left = expect(storage.open!('crew', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'timed_out' })
      await vi.advanceTimersByTimeAsync(50)
      await left
    } finally {
      vi.useRealTimers()
    }
  })

  it('that gives up to reach it is told of as such', async () => {
    const client = new Redis({ port: 1, maxRetriesPerRequest: 1 })
    client.on('error', () => undefined)
    await expect(redisStorage((...command) => client.call(...command)).open!('crew')).rejects.toEqual(
      refusing('storage_unavailable', 'Redis cannot be reached; check'),
    )
    client.disconnect()
  })

  it('whose method was passed without it is told how to pass it', async () => {
    const client = new Redis({ lazyConnect: true })
    // eslint-disable-next-line @typescript-eslint/unbound-method -- as users do
    await expect(redisStorage(client.call).open!('crew')).rejects.toEqual(
      refusing('storage_unavailable', 'pass a function: (...command) => redis.call(...command)'),
    )
    client.disconnect()
  })
})

describe.skipIf(isNotInstalled('redis-server'))('a Redis', () => {
  useOwnServers()
  useRedisClients()

  it('that comes back without its last commits has diverged, and no attempt of before writes (SA-25, CL-26)', async () => {
    const server = await ownRedis()
    const { storage } = await redisClient(placeAt(urlOf(server)))
    const crew = await openOver(storage)
    await crew.join('ana', { capacity: 5 })
    await crew.tracker.create({ id: 'a', description: 'A' })
    await onRedis(urlOf(server), (admin) => admin.save())
    const attempt = (await crew.tracker.claim('ana', { taskId: 'a' }))!
    const diverged = new Promise((resolve) => crew.on('diverged', resolve))
    await server.stop()
    await server.start()
    await crew.sync()
    await diverged
    expect(crew.tracker.status('a')).toBe('pending')
    expect(attempt.signal.aborted).toBe(true)
    await expect(attempt.complete()).rejects.toMatchObject({ code: 'stale_attempt' })
    // The same number comes again, for another attempt.
    const again = (await crew.tracker.claim('ana', { taskId: 'a' }))!
    expect(again.fence).toBe(attempt.fence)
    await expect(attempt.complete()).rejects.toMatchObject({ code: 'stale_attempt' })
    await again.complete()
    await crew.close()
  })

  it('that restarts with all it had holds nobody up for long, though its scripts are gone (SA-20)', async () => {
    const server = await ownRedis('--appendonly', 'yes', '--appendfsync', 'always')
    const { storage } = await redisClient(placeAt(urlOf(server)))
    const crew = await openOver(storage)
    await crew.join('ana', { capacity: 100 })
    const before = await crew.tracker.create({ id: 'before', description: 'Before' })
    await server.stop()
    const meanwhile = crew.tracker.create({ id: 'meanwhile', description: 'Meanwhile' })
    await server.start('--appendonly', 'yes', '--appendfsync', 'always')
    await meanwhile
    await onRedis(urlOf(server), (admin) => admin.script('FLUSH'))
    await crew.tracker.create({ id: 'after', description: 'After' })
    expect(crew.tracker.list().map(({ id }) => id)).toEqual([before.id, 'meanwhile', 'after'])
    await crew.close()
  })

  it('that cuts connections loses nothing and doubles nothing', async () => {
    const server = await ownRedis()
    const place = placeAt(urlOf(server))
    const crew = await openOver((await redisClient(place)).storage)
    await onRedis(urlOf(server), async (admin) => {
      for (let round = 0; round < 5; round++) {
        const created = Array.from({ length: 5 }, (_, index) =>
          crew.tracker.create({ id: `${round}-${index}`, description: 'Work' }),
        )
        await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        await Promise.all(created)
      }
    })
    const again = await openOver((await redisClient(place)).storage)
    expect(again.tracker.count()).toBe(25)
    await Promise.all([crew.close(), again.close()])
  })

  it('whose answer is lost after the commit is asked whose it is (CL-21)', async () => {
    const server = await ownRedis()
    const client = clientOf(urlOf(server))
    let isLost = true
    const send: SendRedisCommand = async (...command) => {
      const reply = await client.call(...command)
      isLost = !isLost && Array.isArray(reply) && reply[0] === 1
      if (isLost) throw new Error('Connection is closed.')
      return reply
    }
    const crew = await openOver(redisStorage(send, { onWarning: () => undefined }))
    for (const id of ['a', 'b', 'c']) await crew.tracker.create({ id, description: id })
    expect(crew.tracker.count()).toBe(3)
    await crew.close()
  })

  it('without room takes nothing, says so, and goes on when it has some', async () => {
    const server = await ownRedis()
    const { storage, client } = await redisClient(placeAt(urlOf(server)))
    await storage.append('crew', commit(1))
    await client.config('SET', 'maxmemory', '1')
    const full = refusing('limit_exceeded', 'raise its maxmemory')
    await expect(storage.append('crew', commit(2))).rejects.toEqual(full)
    await expect(storage.saveCheckpoint('crew', checkpoint(1))).rejects.toEqual(full)
    expect(await storage.read('crew', 0, 10)).toEqual({ commits: [commit(1)] })
    await client.config('SET', 'maxmemory', '0')
    expect(await storage.append('crew', commit(2))).toEqual({ appended: true })
    await client.config('SET', 'maxmemory', '1')
    await storage.trim('crew', 1)
    expect(await storage.read('crew', 1, 10)).toEqual({ commits: [commit(2)] })
  })

  it('that is a replica neither takes commits nor tells what may be old', async () => {
    const primary = await ownRedis()
    const replica = await ownRedis('--replicaof', '127.0.0.1', String(primary.port))
    const place = placeAt(urlOf(replica))
    const { storage } = await redisClient(place)
    const old = refusing('storage_unavailable', 'connect to the primary')
    await expect(storage.append('crew', commit(1))).rejects.toEqual(old)
    await expect(storage.read('crew', 0, 10)).rejects.toEqual(old)
    await expect(storage.loadCheckpoint('crew')).rejects.toEqual(old)
    await expect(storage.trim('crew', 1)).resolves.toBeUndefined()
    await onRedis(urlOf(replica), (admin) => admin.replicaof('NO', 'ONE'))
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
  })

  it('that cannot write its snapshot says what to do', async () => {
    const server = await ownRedis('--save', '3600 1')
    const { storage, client } = await redisClient(placeAt(urlOf(server)))
    await storage.append('crew', commit(1))
    await rm(server.folder, { recursive: true })
    await client.bgsave()
    while (!(await client.info('persistence')).includes('rdb_last_bgsave_status:err'));
    await expect(storage.append('crew', commit(2))).rejects.toEqual(
      refusing('storage_unavailable', 'make room on its disk'),
    )
    expect(await storage.read('crew', 0, 10)).toEqual({ commits: [commit(1)] })
  })

  it('that wants a password, or grants too little, says so', async () => {
    const server = await ownRedis('--requirepass', 'secret')
    const stranger = await redisClient(placeAt(urlOf(server)))
    await expect(stranger.storage.open!('crew')).rejects.toEqual(refusing('storage_unavailable', 'wants a password'))
    await expect(stranger.storage.append('crew', commit(1))).rejects.toEqual(
      refusing('storage_unavailable', 'wants a password'),
    )
    const url = `redis://:secret@127.0.0.1:${server.port}`
    await onRedis(url, (admin) => admin.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@read'))
    const reader = await redisClient(placeAt(`redis://reader:secret@127.0.0.1:${server.port}`))
    await reader.storage.open!('crew')
    await expect(reader.storage.append('crew', commit(1))).rejects.toEqual(
      refusing('storage_unavailable', 'may not do this'),
    )
  })

  it('needs no more rights than docs/storage-redis.md names', async () => {
    const server = await ownRedis('--requirepass', 'secret', '--appendonly', 'yes')
    const rights = ['~crewlog:*', '&crewlog:*', '+@all', '-@admin', '-@dangerous', '+info']
    await onRedis(`redis://:secret@127.0.0.1:${server.port}`, (admin) =>
      admin.call('ACL', 'SETUSER', 'crew', 'on', '>secret', ...rights),
    )
    const url = `redis://crew:secret@127.0.0.1:${server.port}`
    const subscriber = clientOf(url)
    const { storage } = await redisClient(placeAt(url), { prefix: 'crewlog', subscriber })
    await asksForAll(storage)
  })

  it('that does not answer is not waited for any longer than asked, and answers later', async () => {
    const server = await ownRedis()
    const { storage } = await redisClient(placeAt(urlOf(server)))
    await endsSilence(server, storage)
  })

  it.each([
    ['evicts', ['--maxmemory-policy', 'allkeys-lru', '--appendonly', 'yes'], 'may evict journals'],
    ['keeps nothing', [], 'keeps journals in memory alone'],
  ])('that %s is warned of, once (SA-24)', async (_, settings, words) => {
    const server = await ownRedis(...settings)
    const { storage, warnings } = await redisClient(placeAt(urlOf(server)))
    for (const name of ['crew', 'other', 'crew']) await storage.open!(name)
    expect(warnings).toEqual([expect.stringContaining(words)])
  })

  it.each([
    ['that appends to a file', ['--appendonly', 'yes']],
    ['that writes snapshots', ['--save', '3600 1']],
    ['that evicts only what expires', ['--appendonly', 'yes', '--maxmemory-policy', 'volatile-lru']],
    ['that tells little of itself', ['--rename-command', 'CONFIG', '']],
  ])('%s is not warned of', async (_, settings) => {
    const server = await ownRedis(...settings)
    const { storage, warnings } = await redisClient(placeAt(urlOf(server)))
    await storage.open!('crew')
    expect(warnings).toEqual([])
    expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
  })
})
