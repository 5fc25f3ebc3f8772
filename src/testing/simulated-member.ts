import { onAbort } from '../core/abortable.js'
import type { Attempt } from '../core/tasks/attempt.js'
import { CrewError } from '../core/errors.js'
import type { Id } from '../core/input.js'
import type { Crew } from '../crew/crew.js'
import { randomFrom } from '../core/random.js'
import { milliseconds, type Span } from './span.js'
import type { SimulatedProcess } from './simulated-process.js'
import type { Plan, SimulationOptions, SimulatedWork } from './simulation-options.js'

/** How long somebody who is asked thinks, on the average. */
const ANSWER_MS = 10_000
const ASK_MS = 600_000

/** Lets a member of one process take tasks, and answer when it is asked. */
export function employ(
  crew: Crew,
  process: SimulatedProcess,
  { id, speed, works }: Plan['members'][number],
  plan: Plan,
  handler: SimulationOptions['handler'],
  readsMail: boolean,
): void {
  const member = crew.as(id)
  const work = (attempt: Attempt): unknown => {
    const random = randomFrom(hash(plan.seed, attempt.task.id, attempt.number))
    const { info } = member
    const durationMs = plan.durationMs(random, { task: attempt.task, member: info }) / speed
    const think = (span: Span): Promise<void> => thinking(process, attempt, milliseconds(span, 'think'))
    const how: SimulatedWork = { member: info, durationMs, random, think }
    return handler ? handler(attempt, how) : asUsual(crew, attempt, how, plan)
  }
  if (works) member.work(work)
  if (!readsMail) return
  member.listen(async (message) => {
    if (message.kind !== 'question') return
    await process.wait(-Math.log(1 - process.random()) * ANSWER_MS)
    await member.reply(message, 'answer')
  })
}

async function asUsual(
  crew: Crew,
  { task }: Attempt,
  { member, durationMs, random, think }: SimulatedWork,
  { behaviour, members }: Plan,
): Promise<string> {
  const fails = random() < behaviour.fail
  const stalls = random() < behaviour.stall
  const asks = random() < behaviour.ask
  await think(durationMs * (fails ? random() : stalls ? 10 : 1))
  if (fails) throw new Error('failed, as simulated')
  const other = members[Math.floor(random() * members.length)] as { readonly id: Id }
  if (asks && other.id !== member.id)
    await crew
      .as(member.id)
      .ask(other.id, 'How?', { taskId: task.id, kind: 'question', timeoutMs: ASK_MS })
      .catch(givenUp)
  return 'done'
}

/** Who gets no answer goes on without; a member that stops is told by its signal. */
function givenUp(error: unknown): void {
  if (!CrewError.is(error)) throw error
}

function thinking(process: SimulatedProcess, { signal }: Attempt, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error)
      return
    }
    const offAbort = onAbort(signal, () => {
      offTimer()
      reject(signal.reason as Error)
    })
    const offTimer = process.setTimer(() => {
      offAbort()
      resolve()
    }, ms)
  })
}

/** FNV-1a: one number for a seed, a task and an attempt. */
function hash(seed: number, id: Id, attempt: number): number {
  let bits = 0x811c9dc5
  for (const character of `${seed} ${attempt} ${id}`)
    bits = Math.imul(bits ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return bits >>> 0
}
