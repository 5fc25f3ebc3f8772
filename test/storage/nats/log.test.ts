import { openCrew } from 'crewlog'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { RetentionPolicy, DiscardPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream'
import { commit, commits } from '../../../src/testing/storage-contract/samples.js'
import { placeOf } from '../../support/engines/nats.js'
import { type NatsClient, natsClient, useNatsClients } from '../../support/nats-client.js'
import { refusing } from '../../support/refusing.js'
import { isMissing } from '../../support/services.js'

describe.skipIf(await isMissing('NATS'))('a journal in JetStream', () => {
  useNatsClients()
  let rig: NatsClient

  beforeEach(async () => {
    rig = await natsClient()
  })

  const fill = async (count: number): Promise<void> => {
    await rig.storage.open!('crew')
    for (const each of commits(1, count)) await rig.storage.append('crew', each)
  }
  const make = (config: Partial<StreamConfig>): Promise<unknown> =>
    rig.manager.streams.add({ name: rig.streams.commits, subjects: [rig.subject], ...config })

  it('has a name of any characters', async () => {
    const names = ['{', '.', '..', '*', '>', 'a.b', 'a b', 'a\tb', '/', '\\', '\u0000', 'A', 'a', '_', '__', 'é']
    names.push('a'.repeat(1000), `${'a'.repeat(999)}b`, '\u{1f600}', '$JS.API', '_41')
    for (const id of names) {
      await rig.storage.open!(id)
      await rig.storage.append(id, commit(1, { id }))
    }
    for (const id of names) expect(await rig.storage.read(id, 0, 10)).toEqual({ commits: [commit(1, { id })] })
    await expect(rig.storage.open!('a\ud800')).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('goes on where the numbers of its stream are not its own', async () => {
    await make({})
    await rig.client.publish(rig.subject, 'of somebody else')
    await rig.client.publish(rig.subject, JSON.stringify(commit(1)))
    await rig.manager.streams.purge(rig.streams.commits, { seq: 2 })
    await rig.storage.open!('crew')
    expect(await rig.storage.append('crew', commit(2))).toEqual({ appended: true })
    expect(await rig.storage.append('crew', commit(3))).toEqual({ appended: true })
    expect(await rig.storage.read('crew', 0, 10)).toEqual({ commits: commits(1, 3) })
    await rig.storage.trim('crew', 2)
    expect(await rig.storage.read('crew', 0, 10)).toEqual({ trimmedTo: 2 })
    expect(await rig.storage.append('crew', commit(2))).toMatchObject({ appended: false })
  })

  it('that began anew with as many commits does not take one that follows another', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      await fill(3)
      await rig.manager.streams.delete(rig.streams.commits)
      const { storage: other } = await natsClient(rig.place)
      await other.open!('crew')
      let prev = ''
      for (const seq of [1, 2, 3]) {
        await other.append('crew', commit(seq, { id: `other ${seq}`, prev }))
        prev = `other ${seq}`
      }
      vi.advanceTimersByTime(1000)
      expect(await rig.storage.append('crew', commit(4))).toMatchObject({ appended: false })
    } finally {
      vi.useRealTimers()
    }
  })

  it.each<[string, Partial<StreamConfig>, string]>([
    ['forgets by age', { max_age: 10 ** 12 }, 'max_age'],
    ['forgets the oldest by number', { max_msgs: 1000 }, 'discard old'],
    ['forgets the oldest by size', { max_bytes: 10 ** 7 }, 'discard old'],
    ['keeps few of a subject', { max_msgs_per_subject: 10 }, 'max_msgs_per_subject'],
    ['forgets what was read', { retention: RetentionPolicy.Workqueue }, 'retention workqueue'],
    ['acknowledges nothing', { no_ack: true }, 'no_ack'],
    ['cannot be trimmed', { deny_purge: true }, 'deny_purge'],
  ])('is refused a stream that %s', async (_, config, words) => {
    await make(config)
    await expect(rig.storage.open!('crew')).rejects.toEqual(refusing('invalid_input', words))
  })

  it('is refused a stream that takes more than its commits, and one of a newer release', async () => {
    const { prefix } = placeOf(rig.place)
    await make({ subjects: [`${prefix}.crew.*.1`] })
    await expect(rig.storage.open!('crew')).rejects.toEqual(refusing('invalid_input', 'alone'))
    await rig.manager.streams.delete(rig.streams.commits)
    await make({ subjects: [`${prefix}.crew.commits.2`] })
    await expect(rig.storage.open!('crew')).rejects.toEqual(refusing('unsupported_version', 'update crewlog'))
  })

  it('takes a stream that somebody made with settings of their own, if nothing is lost', async () => {
    await make({ max_bytes: 10 ** 8, discard: DiscardPolicy.New, duplicate_window: 10 ** 9 })
    await fill(2)
    expect(rig.warnings).toEqual([])
    expect(await rig.storage.read('crew', 0, 10)).toEqual({ commits: commits(1, 2) })
  })

  it('in memory alone is warned of, once', async () => {
    await make({ storage: StorageType.Memory })
    await rig.storage.open!('crew')
    await rig.storage.open!('crew')
    expect(rig.warnings).toEqual([expect.stringContaining('in memory alone')])
  })

  it('is made once by ten that open it at the same moment', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => natsClient(rig.place)))
    await Promise.all(clients.map(({ storage }) => storage.open!('crew')))
    const answers = await Promise.all(
      clients.map(({ storage }, index) => storage.append('crew', commit(1, { id: `c${index}` }))),
    )
    expect(answers.filter(({ appended }) => appended)).toHaveLength(1)
  })

  it('that is full takes nothing, says so, and goes on when there is room', async () => {
    await make({ max_msgs: 2, discard: DiscardPolicy.New })
    await fill(2)
    await expect(rig.storage.append('crew', commit(3))).rejects.toEqual(refusing('limit_exceeded', 'has no room'))
    await rig.storage.trim('crew', 1)
    expect(await rig.storage.append('crew', commit(3))).toEqual({ appended: true })
    expect(await rig.storage.read('crew', 1, 10)).toEqual({ commits: commits(2, 3) })
  })

  it('whose stream takes less at once than the server says so', async () => {
    await make({ max_msg_size: 200 })
    await rig.storage.open!('crew')
    const large = commit(1, { id: 'x'.repeat(1000) })
    await expect(rig.storage.append('crew', large)).rejects.toEqual(refusing('limit_exceeded', 'no message that large'))
  })

  it('whose stream is deleted is no empty one for those who know it', async () => {
    await fill(2)
    await rig.manager.streams.delete(rig.streams.commits)
    const gone = refusing('storage_unavailable', 'open the crew anew')
    await expect(rig.storage.read('crew', 0, 10)).rejects.toEqual(gone)
    await expect(rig.storage.append('crew', commit(9))).rejects.toEqual(gone)
    await expect(rig.storage.append('crew', commit(3))).rejects.toMatchObject({ code: 'storage_unavailable' })
    const { storage: stranger } = await natsClient(rig.place)
    expect(await stranger.read('crew', 0, 10)).toEqual({ commits: [] })
    await rig.storage.close!('crew')
    await rig.storage.open!('crew')
    expect(await rig.storage.append('crew', commit(1))).toEqual({ appended: true })
  })

  it('that another crew of the same storage closed is still known to be there', async () => {
    await fill(1)
    await rig.storage.open!('crew')
    await rig.storage.close!('crew')
    await rig.manager.streams.delete(rig.streams.commits)
    await expect(rig.storage.read('crew', 0, 10)).rejects.toMatchObject({ code: 'storage_unavailable' })
  })

  it('that lost commits says where', async () => {
    await fill(5)
    await rig.manager.streams.deleteMessage(rig.streams.commits, 3)
    const { commits: where } = rig.streams
    const corrupt = expect.objectContaining({ code: 'journal_corrupt', details: { where } }) as unknown
    await expect(rig.storage.read('crew', 0, 10)).rejects.toEqual(corrupt)
    expect(await rig.storage.read('crew', 3, 10)).toEqual({ commits: commits(4, 5) })
    await rig.manager.streams.purge(rig.streams.commits)
    await expect(rig.storage.read('crew', 0, 10)).rejects.toEqual(corrupt)
    await expect(natsClient(rig.place).then(({ storage }) => storage.append('crew', commit(1)))).rejects.toEqual(
      corrupt,
    )
  })

  it('with what is no commit says where', async () => {
    await fill(1)
    await rig.client.publish(rig.subject, 'nonsense')
    await expect(rig.storage.read('crew', 0, 10)).rejects.toMatchObject({
      code: 'journal_corrupt',
      details: { where: `Message 2 of stream ${rig.streams.commits}` },
    })
  })

  it('is told of by those who write, and by nobody else (SA-19)', async () => {
    await fill(1)
    const { storage: other } = await natsClient(rig.place)
    await other.open!('crew')
    let wakes = 0
    const off = rig.storage.watch!('crew', () => wakes++)
    await rig.connection.flush()
    await other.append('crew', commit(9))
    await other.append('crew', commit(2))
    while (wakes === 0) await rig.connection.flush()
    expect(wakes).toBe(1)
    off()
    off()
  })

  it('opens whole crews, from a checkpoint and from the log', async () => {
    const crew = await openCrew({ storage: rig.storage })
    await crew.join('ana')
    await crew.tracker.createMany(Array.from({ length: 50 }, (_, index) => ({ id: `t${index}`, description: 'Work' })))
    await crew.checkpoint()
    for (let index = 0; index < 50; index++) await crew.tracker.update(`t${index}`, { priority: 2 })
    const { storage } = await natsClient(rig.place)
    const again = await openCrew({ storage })
    expect(again.tracker.list()).toEqual(crew.tracker.list())
    await Promise.all([crew.close(), again.close()])
  })
})
