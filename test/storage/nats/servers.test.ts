import { type NatsConnection, natsStorage } from 'crewlog/storage/nats'
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { commit, commits } from '../../../src/testing/storage-contract/samples.js'
import { asksForAll, endsSilence, openOver } from '../../support/bad-servers.js'
import { placeAt, placeOf } from '../../support/engines/nats.js'
import { natsClient, ownNats, urlOf, useNatsClients } from '../../support/nats-client.js'
import { isNotInstalled, useOwnServers } from '../../support/own-servers.js'
import { refusing } from '../../support/refusing.js'

describe.skipIf(isNotInstalled('nats-server'))('a NATS', () => {
  useOwnServers()
  useNatsClients()

  it('that is killed and starts again loses nothing and doubles nothing', async () => {
    const server = await ownNats()
    const place = placeAt(urlOf(server))
    const crew = await openOver((await natsClient(place)).storage)
    for (let round = 0; round < 3; round++) {
      const before = Array.from({ length: 5 }, (_, index) =>
        crew.tracker.create({ id: `${round}-${index}`, description: 'Work' }),
      )
      await server.stop()
      const meanwhile = crew.tracker.create({ id: `${round}-meanwhile`, description: 'Work' })
      await server.start('-js')
      await Promise.all([...before, meanwhile])
    }
    const again = await openOver((await natsClient(place)).storage)
    expect(again.tracker.count()).toBe(18)
    await Promise.all([crew.close(), again.close()])
  })

  it('that comes back as it was before has diverged, and no attempt of before writes (SA-25, CL-26)', async () => {
    const server = await ownNats()
    const { storage } = await natsClient(placeAt(urlOf(server)))
    const crew = await openOver(storage)
    await crew.join('ana')
    await crew.tracker.create({ id: 'a', description: 'A' })
    const store = join(server.folder, 'jetstream')
    const copy = join(server.folder, 'copy')
    await server.stop('SIGTERM')
    await cp(store, copy, { recursive: true })
    await server.start('-js')
    const attempt = (await crew.tracker.claim('ana', { taskId: 'a' }))!
    const gaps: unknown[] = []
    crew.on('diverged', (gap) => gaps.push(gap))
    await server.stop()
    await rm(store, { recursive: true })
    await cp(copy, store, { recursive: true })
    await server.start('-js')
    while (gaps.length === 0) await crew.sync().catch(() => undefined)
    expect(crew.tracker.status('a')).toBe('pending')
    await expect(attempt.complete()).rejects.toMatchObject({ code: 'stale_attempt' })
    await (await crew.tracker.claim('ana', { taskId: 'a' }))!.complete()
    await crew.close()
  })

  it('whose answer is lost after the commit is asked whose it is (CL-21)', async () => {
    const server = await ownNats()
    const { connection } = await natsClient(placeAt(urlOf(server)))
    let published = 0
    const losing = whoseRequests(connection, async (subject, send) => {
      const answer = await send()
      if (!subject.endsWith('.commits.1')) return answer
      published++
      throw new Error('Connection is closed.')
    })
    const crew = await openOver(natsStorage(losing))
    for (const id of ['a', 'b', 'c']) await crew.tracker.create({ id, description: id })
    expect(crew.tracker.count()).toBe(3)
    expect(published).toBe(3)
    await crew.close()
  })

  // Guard: NatsStreams.ensure looks again.
  it('whose stream has no leader yet is waited for at opening', async () => {
    const server = await ownNats()
    const { storage: first, connection, place } = await natsClient(placeAt(urlOf(server)))
    await first.open!('crew')
    let looks = 0
    const leaderless = whoseRequests(connection, async (subject, send) => {
      const answer = (await send()) as { json(): object }
      if (!subject.includes('.STREAM.INFO.') || looks++ > 0) return answer
      const info = JSON.stringify({ ...answer.json(), cluster: { name: 'test' } })
      return Object.create(answer, { data: { value: Buffer.from(info) } }) as unknown
    })
    await natsStorage(leaderless, { prefix: placeOf(place).prefix }).open!('crew')
    expect(looks).toBe(2)
  })

  // Guard: NatsStreams.#ask asks again.
  it('that does not answer while a leader is chosen is asked again', async () => {
    const server = await ownNats()
    const { connection } = await natsClient(placeAt(urlOf(server)))
    let unanswered = 0
    const storage = natsStorage(
      whoseRequests(connection, async (subject, send) => {
        if (subject.includes('.MSG.GET.') && unanswered++ < 1)
          throw Object.assign(new Error('timeout'), { name: 'TimeoutError' })
        return send()
      }),
    )
    await storage.open!('crew')
    await storage.append('crew', commit(1))
    expect(unanswered).toBe(2)
    expect(await storage.read('crew', 0, 10)).toEqual({ commits: [commit(1)] })
  })

  it('that breaks off is not waited for any longer', async () => {
    const server = await ownNats()
    const { storage } = await natsClient(placeAt(urlOf(server)))
    await storage.open!('crew')
    server.signal('SIGSTOP')
    const readOn = async (): Promise<never> => {
      for (;;) await storage.read('crew', 0, 10)
    }
    const ends = expect(readOn()).rejects.toEqual(refusing('storage_unavailable', 'broke before the answer'))
    await server.stop()
    await ends
  })

  it('without JetStream says so', async () => {
    const server = await ownNats('-V=false')
    const { storage } = await natsClient(placeAt(urlOf(server)))
    const missing = refusing('storage_unavailable', 'start the server with -js')
    await expect(storage.open!('crew')).rejects.toEqual(missing)
    await expect(storage.read('crew', 0, 10)).rejects.toEqual(missing)
  })

  it('that makes too few replicas says so', async () => {
    const server = await ownNats()
    const { storage } = await natsClient(placeAt(urlOf(server)), { replicas: 3 })
    await expect(storage.open!('crew')).rejects.toEqual(refusing('storage_unavailable', 'replicas'))
  })

  it('that grants too little says so, and one that lets nobody be told keeps commits all the same', async () => {
    const server = await ownNats()
    await server.stop()
    const settings = join(server.folder, 'nats.conf')
    await writeFile(
      settings,
      `authorization { users = [
        { user: all, password: secret },
        { user: reader, password: secret, permissions: { publish: ["$JS.API.STREAM.INFO.>", "$JS.API.STREAM.MSG.GET.>"] } },
        { user: quiet, password: secret, permissions: { publish: { deny: ["*.*.news"] } } },
      ] }`,
    )
    await server.start('-js', '-c', settings)
    const place = placeAt(urlOf(server, 'all:secret@'))
    const { storage, connection } = await natsClient(place, { connect: { user: 'quiet', pass: 'secret' } })
    await storage.open!('crew')
    for (const each of commits(1, 3)) expect(await storage.append('crew', each)).toEqual({ appended: true })
    await connection.flush()
    const { storage: reader } = await natsClient(place, { connect: { user: 'reader', pass: 'secret' } })
    await reader.open!('crew')
    expect(await reader.read('crew', 0, 10)).toEqual({ commits: commits(1, 3) })
    const denied = refusing('storage_unavailable', 'may not do this')
    await expect(reader.append('crew', commit(4))).rejects.toEqual(denied)
    await expect(reader.open!('other')).rejects.toEqual(denied)
    await expect(reader.trim('crew', 1)).rejects.toEqual(denied)
  })

  it('needs no more rights than docs/storage-nats.md names', async () => {
    const server = await ownNats()
    await server.stop()
    const settings = join(server.folder, 'nats.conf')
    const api = ['INFO', 'MSG.GET', 'PURGE', 'CREATE'].map((call) => `"$JS.API.STREAM.${call}.*"`)
    await writeFile(
      settings,
      `authorization { users = [{ user: crew, password: secret, permissions: {
        publish: ["crewlog.>", ${api.join()}], subscribe: ["_INBOX.>", "crewlog.*.news"] } }] }`,
    )
    await server.start('-js', '-c', settings)
    const user = { connect: { user: 'crew', pass: 'secret' }, prefix: 'crewlog' }
    const { storage } = await natsClient(placeAt(urlOf(server)), user)
    await asksForAll(storage)
  })

  it('whose connection is closed says so, and hurts nobody', async () => {
    const server = await ownNats()
    const { storage, connection } = await natsClient(placeAt(urlOf(server)))
    await storage.open!('crew')
    const off = storage.watch!('crew', () => undefined)
    await connection.close()
    off()
    storage.watch!('crew', () => undefined)()
    await expect(storage.append('crew', commit(1))).rejects.toEqual(
      refusing('storage_unavailable', 'the connection is closed'),
    )
  })

  it('that does not answer is not waited for any longer than asked, and answers later', async () => {
    const server = await ownNats()
    const { storage } = await natsClient(placeAt(urlOf(server)))
    await endsSilence(server, storage)
  })
})

/** A connection on which something befalls requests. */
const whoseRequests = (
  connection: NatsConnection,
  befall: (subject: string, send: () => Promise<unknown>) => Promise<unknown>,
): NatsConnection =>
  new Proxy(connection, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'request') return value.bind(target) as unknown
      return (subject: string, ...args: readonly unknown[]) =>
        befall(subject, async () => (await Reflect.apply(value, target, [subject, ...args])) as unknown)
    },
  })
