import { type Commit, openCrew } from 'crewlog'
import { redisStorage } from 'crewlog/storage/redis'
import { beforeEach, describe, expect, it } from 'vitest'
import { commit, commits } from '../../../src/testing/storage-contract/samples.js'
import { keysAt, type RedisClient, redisClient, useRedisClients } from '../../support/redis-client.js'
import { isMissing } from '../../support/services.js'

describe.skipIf(await isMissing('Redis'))('a journal in Redis', () => {
  useRedisClients()
  let rig: RedisClient

  beforeEach(async () => {
    rig = await redisClient()
  })

  const fill = async (count: number, journal = 'crew'): Promise<void> => {
    for (const each of commits(1, count)) await rig.storage.append(journal, each)
  }
  const key = (name: string, journal = 'crew'): string => `${rig.prefix}:{${journal}}:${name}`

  it('has a name of any characters', async () => {
    const names = ['{', '}', '{}', '{a}b', '}{', 'a"b', "a'b", '*', '[a-z]', '\u0000', 'a\u0000b', 'A', 'a', 'a ', ' ']
    names.push('é', 'e\u0301', '\u{1f600}', '%7B', '\r\n')
    for (const id of names) await rig.storage.append(id, commit(1, { id }))
    for (const id of names) expect(await rig.storage.read(id, 0, 10)).toEqual({ commits: [commit(1, { id })] })
    const tags = (await keysAt(rig)).map((each) => /\{(.*?)\}/.exec(each)?.[1])
    expect(tags).toHaveLength(names.length * 2)
    expect(new Set(tags).size).toBe(names.length)
  })

  it('has a name of whole characters', async () => {
    await expect(rig.storage.append('a\ud800', commit(1))).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(rig.storage.open!('')).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('brings with a refusal what was missed, if it is little', async () => {
    await fill(3)
    const refused = commit(2, { id: 'other' })
    expect(await rig.storage.append('crew', refused)).toEqual({ appended: false, missed: commits(2, 3) })
    await rig.storage.append('crew', large(4, 100_000))
    expect(await rig.storage.append('crew', commit(4, { id: 'other' }))).toEqual({ appended: false, missed: [] })
  })

  it('comes in pieces when it is large, and whole', async () => {
    const all = Array.from({ length: 12 }, (_, index) => large(index + 1, 400_000))
    for (const each of all) await rig.storage.append('crew', each)
    const sent: string[] = []
    const storage = redisStorage(
      (...command) => {
        sent.push(command[0])
        return rig.client.call(...command)
      },
      { prefix: rig.prefix },
    )
    expect(await storage.read('crew', 0, 12)).toEqual({ commits: all })
    expect(sent).toHaveLength(6)
    expect(await storage.read('crew', 3, 3)).toEqual({ commits: all.slice(3, 6) })
  })

  it('is trimmed in pieces', async () => {
    const long = 2500
    await fill(1)
    for (let seq = 2; seq <= long; seq += 500)
      await Promise.all(commits(seq, seq + 499).map((each) => rig.storage.append('crew', each)))
    await rig.storage.trim('crew', long - 10)
    expect(await rig.storage.read('crew', 0, 10)).toEqual({ trimmedTo: long - 10 })
    expect(await rig.client.xlen(key('commits'))).toBe(11)
  })

  it('that is trimmed while it is read says so', async () => {
    const all = Array.from({ length: 4 }, (_, index) => large(index + 1, 700_000))
    for (const each of all) await rig.storage.append('crew', each)
    let asked = 0
    const storage = redisStorage(
      async (...command) => {
        if (++asked === 2) await rig.storage.trim('crew', 3)
        return rig.client.call(...command)
      },
      { prefix: rig.prefix },
    )
    expect(await storage.read('crew', 0, 10)).toEqual({ trimmedTo: 3 })
  })

  it('that lost one of its keys is refused, so that nobody holds what another does (SA-24)', async () => {
    for (const lost of ['head', 'commits']) {
      const name = `crew-${lost}`
      const crew = await openCrew({ name, storage: rig.storage, onError })
      await crew.join('ana')
      await crew.tracker.create({ id: 'a', description: 'A' })
      await crew.tracker.claim('ana', { taskId: 'a' })
      await rig.client.del(key(lost, name))
      const corrupt = expect.objectContaining({ code: 'journal_corrupt' }) as unknown
      await expect(openCrew({ name, storage: rig.storage })).rejects.toEqual(corrupt)
      await expect(rig.storage.append(name, commit(1))).rejects.toEqual(corrupt)
      await expect(rig.storage.append(name, commit(9))).rejects.toEqual(corrupt)
      await crew.close()
    }
  })

  it('that lost a commit says which, and where', async () => {
    await fill(5)
    await rig.client.xdel(key('commits'), '3-0')
    await expect(rig.storage.read('crew', 0, 10)).rejects.toMatchObject({
      code: 'journal_corrupt',
      message: expect.stringContaining('commit 3 is missing') as unknown,
      details: { where: key('commits') },
    })
    await expect(rig.storage.read('crew', 2, 10)).rejects.toMatchObject({ code: 'journal_corrupt' })
    expect(await rig.storage.read('crew', 3, 10)).toEqual({ commits: commits(4, 5) })
    await rig.client.xdel(key('commits'), '5-0')
    await expect(rig.storage.read('crew', 4, 10)).rejects.toMatchObject({ code: 'journal_corrupt' })
  })

  it('with what is no commit says where', async () => {
    await fill(1)
    await rig.client.xadd(key('commits'), '2-0', 'commit', 'nonsense')
    await expect(rig.storage.read('crew', 0, 10)).rejects.toMatchObject({
      code: 'journal_corrupt',
      details: { where: `Entry 2-0 of ${key('commits')}` },
    })
  })

  it('of a layout to come is left alone', async () => {
    await fill(2)
    await rig.client.set(key('head'), '2 2 "c2"')
    const newer = expect.objectContaining({ code: 'unsupported_version' }) as unknown
    await expect(rig.storage.append('crew', commit(3))).rejects.toEqual(newer)
    await expect(rig.storage.read('crew', 0, 10)).rejects.toEqual(newer)
    await expect(rig.storage.trim('crew', 1)).rejects.toEqual(newer)
    expect(await rig.client.xlen(key('commits'))).toBe(2)
  })

  it('is told from what another program keeps under its keys', async () => {
    await rig.client.set(key('commits'), 'mine')
    await rig.client.set(key('head'), 'mine')
    await expect(rig.storage.read('crew', 0, 10)).rejects.toMatchObject({ code: 'journal_corrupt' })
    await expect(rig.storage.append('crew', commit(1))).rejects.toMatchObject({ code: 'journal_corrupt' })
  })

  it('that is gone altogether has diverged for those who know it, and they go on (SA-25)', async () => {
    const crew = await openCrew({ storage: rig.storage, onError })
    await crew.join('ana')
    await crew.tracker.create({ id: 'a', description: 'A' })
    const told: unknown[] = []
    crew.on('diverged', (gap) => told.push(gap))
    await rig.client.unlink(...(await keysAt(rig)))
    await crew.sync()
    expect(told).toHaveLength(1)
    expect(crew.tracker.get('a')).toBeUndefined()
    await crew.tracker.create({ id: 'b', description: 'B' })
    expect(await keysAt(rig)).toEqual([key('commits'), key('head')])
    await crew.close()
  })
})

const large = (seq: number, bytes: number): Commit => {
  const plain = commit(seq)
  return { ...plain, events: [{ ...plain.events[0]!, changes: { text: 'x'.repeat(bytes) } }] }
}

const onError = (): void => undefined
