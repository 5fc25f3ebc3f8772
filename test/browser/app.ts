// What an app for browsers does with crewlog. Its tests run it as it is deployed: one bundle of what is built.
import { MemoryStorage, openCrew } from 'crewlog'
import { redact, rolePolicy } from 'crewlog/security'
import { checkJournal, simulate, storageContract, type StorageContractOptions } from 'crewlog/testing'

/** A crew works off two tasks, one of which needs a second try and an answer, by the browser's own clock and chance. */
export async function workOff(): Promise<{ readonly [fact: string]: unknown }> {
  const storage = new MemoryStorage()
  const policy = rolePolicy({ ana: 'worker', hana: 'worker' })
  const crew = await openCrew({ storage, policy, retry: { backoffMs: { base: 1, cap: 1 } } })
  const events: string[] = []
  crew.on('*', ({ type }) => events.push(type))
  const [ana, hana] = [await crew.join('ana'), await crew.join('hana', { kind: 'human' })]
  hana.listen(async (message) => {
    if (message.content === 'Which length?') await hana.reply(message, 'Short')
  })
  ana.work(async (attempt) => {
    if (attempt.number === 1) throw new Error('overloaded')
    const { content } = await ana.ask('hana', 'Which length?', { taskId: attempt.task.id })
    return content
  })
  const { id } = await crew.tracker.create({ id: 'tides', description: 'Tides' })
  await crew.tracker.create({ description: 'Print', dependsOn: [id], assignees: ['hana'] })
  const task = await crew.tracker.whenEnded(id)
  const report = crew.reports.generate('summary')
  const redacted = redact(task)
  await crew.close()
  const again = await openCrew({ storage })
  return {
    broken: await checkJournal(storage),
    events,
    kept: again.tracker.get(id)?.result,
    ready: again.tracker.list({ stage: 'assigned' }).map(({ description }) => description),
    redacted,
    report: report.toMarkdown(),
    task,
  }
}

/** A crew of three processes, of which much goes wrong. */
export const simulateCrew = (seed: number): ReturnType<typeof simulate> =>
  simulate({ seed, members: 6, tasks: 60, processes: 3, faults: true, behaviour: { fail: 0.1, ask: 0.2 } })

export function contractOfMemory(runner: Pick<StorageContractOptions, 'describe' | 'it'>): void {
  storageContract({
    name: 'memory storage, bundled',
    ...runner,
    open: () => {
      const storage = new MemoryStorage()
      return { storage, rival: storage }
    },
  })
}
