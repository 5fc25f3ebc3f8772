// A process of its own for the soak: closes a crew in which nobody comes back, says how many ms that took, and must end by itself.
import { openCrew } from 'crewlog'

const never = new Promise<never>(() => undefined)
const ignore = (): void => undefined

const crew = await openCrew({ onError: ignore })
const ana = await crew.join('ana', { capacity: 100 })
const bo = await crew.join('bo')
await crew.tracker.createMany(Array.from({ length: 101 }, (_, n) => ({ description: `Task ${n}` })))
crew.on('task.started', () => never)
ana.work(() => never)
ana.listen(() => never)
await ana.send('ana', 'hi')
void (async () => {
  for await (const { type } of crew.events()) if (type !== '') await never
})().catch(ignore)
void bo.receive({ limit: 1 }).catch(ignore)
void bo.ask('ana', 'When?', { timeoutMs: 3_600_000 }).catch(ignore)
void crew.tracker.whenEnded(crew.tracker.list()[0]!.id).catch(ignore)
void crew.idle().catch(ignore)

await new Promise((resolve) => setTimeout(resolve, 100))
const from = performance.now()
await crew.close()
process.stdout.write(String(performance.now() - from))
