import { type JournalStorage, openCrew } from 'crewlog'
import { checkJournal, type FaultPlan, faultyStorage, storageContract } from 'crewlog/testing'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { objectStorage } from '../../examples/object-store/object-storage.js'
import type { Fetch } from '../../examples/object-store/object-store.js'
import { startObjectStore } from '../../examples/object-store/server.js'
import { checkpoint, commit, commits, partsOf } from '../../src/testing/storage-contract/samples.js'

const root = join(import.meta.dirname, '..', '..')
const stop = (server: Server): void => {
  server.close()
  server.closeAllConnections()
}

storageContract({
  name: 'an object store',
  describe,
  it,
  open: async () => {
    const { url, server } = await startObjectStore()
    const dispose = () => {
      stop(server)
    }
    return { storage: objectStorage(url), rival: objectStorage(url), dispose }
  },
})

describe('an object store', () => {
  const servers: Server[] = []
  afterEach(() => {
    servers.splice(0).forEach(stop)
  })
  const start = async (): Promise<string> => {
    const { url, server } = await startObjectStore()
    servers.push(server)
    return url
  }

  it('that ignores conditions is refused at opening', async () => {
    const url = await start()
    for (const ignored of ['if-match', 'if-none-match']) {
      const careless: Fetch = (to, init) => {
        const headers = new Headers(init.headers)
        headers.delete(ignored)
        return fetch(to, { ...init, headers })
      }
      await expect(openCrew({ storage: objectStorage(url, careless) })).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('ignores If-Match or If-None-Match') as unknown,
      })
    }
  })

  it('whose answer is lost, before or after it wrote, leaves each commit once', async () => {
    const url = await start()
    let puts = 0
    const shaky: Fetch = async (to, init) => {
      const loses = init.method === 'PUT' && ++puts % 5 === 0
      if (loses && puts % 2 === 0) throw new TypeError('fetch failed')
      const answer = await fetch(to, init)
      if (loses) throw new TypeError('terminated')
      return answer
    }
    const crew = await openCrew({ storage: objectStorage(url, shaky), onError: () => undefined })
    await crew.join('ana', { capacity: 3 })
    for (let count = 1; count <= 20; count++) await crew.tracker.create({ description: `Task ${count}` })
    crew.as('ana').work(() => 'done')
    await crew.idle()
    expect(crew.tracker.count({ status: 'completed' })).toBe(20)
    await crew.close()
    expect(await checkJournal(objectStorage(url))).toEqual([])
  })

  it('that answers with an error is storage_unavailable', async () => {
    const denied: Fetch = async () => new Response('<Error/>', { status: 403 })
    await expect(openCrew({ storage: objectStorage('https://a.test/b', denied) })).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('status 403') as unknown,
    })
  })

  it('that loses answers and refuses what it took leaves each task done once', async () => {
    const url = await start()
    const plan: FaultPlan = (call, nth) => {
      if (call === 'append') return nth % 5 === 0 ? 'lost answer' : nth % 3 === 0 ? 'false refusal' : undefined
      return call === 'read' && nth % 7 === 0 ? 'slow answer' : undefined
    }
    const storage = faultyStorage(objectStorage(url), { plan })
    const crew = await openCrew({ storage, onError: () => undefined })
    await crew.join('ana', { capacity: 3 })
    for (let count = 1; count <= 10; count++) await crew.tracker.create({ description: `Task ${count}` })
    crew.as('ana').work(() => 'done')
    await crew.idle()
    expect(crew.tracker.count({ status: 'completed' })).toBe(10)
    expect(storage.faults).not.toEqual([])
    await crew.close()
    expect(await checkJournal(storage.real)).toEqual([])
  })

  it('lets two writers race for each number, and one win', async () => {
    const url = await start()
    const [here, there] = [objectStorage(url), objectStorage(url)] as [JournalStorage, JournalStorage]
    const crews = await Promise.all([here, there].map((storage) => openCrew({ storage })))
    await crews[0]!.join('ana')
    await Promise.all(crews.map((crew) => crew.sync()))
    await Promise.all(
      crews.flatMap((crew, at) => [1, 2, 3, 4].map((n) => crew.tracker.create({ description: `${at}.${n}` }))),
    )
    await Promise.all(crews.map((crew) => crew.sync()))
    for (const crew of crews) expect(crew.tracker.count()).toBe(8)
    await Promise.all(crews.map((crew) => crew.close()))
    expect(await checkJournal(here)).toEqual([])
  })

  it('keeps a checkpoint whose answer was lost, whole', async () => {
    const url = await start()
    let isLost = false
    const shaky: Fetch = async (to, init) => {
      const answer = await fetch(to, init)
      if (
        !isLost &&
        init.method === 'PUT' &&
        to.endsWith('/head') &&
        JSON.stringify(init.body).includes('checkpoint-1')
      ) {
        isLost = true
        throw new TypeError('terminated')
      }
      return answer
    }
    const storage = objectStorage(url, shaky)
    await storage.append('crew', commit(1))
    await expect(storage.saveCheckpoint('crew', checkpoint(1))).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(await partsOf(await storage.loadCheckpoint('crew'))).toHaveLength(2)
    expect(await storage.read('crew', 0, 5)).toEqual({ commits: commits(1, 1) })
  })
})

describe('the guide to writing an adapter', () => {
  it('shows what stands in the example', () => {
    const guide = readFileSync(join(root, 'docs/writing-an-adapter.md'), 'utf8')
    const shown = [...guide.matchAll(/^```typescript\n(.*?)^```/gms)].map(([, code]) => code!.trimEnd())
    expect(shown.length).toBeGreaterThan(4)
    const squeeze = (code: string): string => code.replace(/\s+/g, ' ')
    const sources = ['examples/object-store/object-storage.ts', 'test/examples/object-store.test.ts'].map((file) =>
      squeeze(readFileSync(join(root, file), 'utf8')),
    )
    for (const code of shown)
      expect(
        sources.some((source) => source.includes(squeeze(code))),
        code,
      ).toBe(true)
  })
})
