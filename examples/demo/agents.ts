import { CrewError, type Attempt, type Crew, type Id, type Member, type Running } from 'crewlog'
import { chance } from './chance.js'
import { HUMAN } from './human.js'
import { pause } from './pause.js'

/** How often an agent fails, asks a colleague, or wants a person's consent: shares of all attempts or tasks. */
const FAILS = 0.1
const ASKS = 0.15
const NEEDS_APPROVAL = 0.1

const QUESTION = 'question'
const EXCUSES = ['the tests are red', 'the model was overloaded', 'it timed out', 'the answer was no JSON']

/** Scripted agents in place of language models: each works at tasks and answers its colleagues. */
export function playAgents(crew: Crew, agents: readonly Member[], pace: number): readonly Running[] {
  return agents.flatMap((agent, index) => {
    const colleague = agents[(index + 1) % agents.length] ?? agent
    return [
      agent.listen(async (message) => {
        if (message.kind !== QUESTION) return
        await pause(60 * pace)
        await agent.reply(message, `Keep it small; I would start with ${adviceOn(message.taskId ?? '')}`)
      }),
      agent.work((attempt) => attend(crew, agent, colleague.id, attempt, pace)),
    ]
  })
}

async function attend(crew: Crew, agent: Member, colleague: Id, attempt: Attempt, pace: number): Promise<unknown> {
  const { task, number, signal } = attempt
  const think = (share: number): Promise<void> =>
    pause(share * (150 + 450 * chance(`${task.id} effort`)) * pace, signal)

  await think(0.4)
  const tokens = Math.round(500 + 4000 * chance(`${task.id} tokens ${number}`))
  await attempt.progress({ value: 0.4, note: 'a first draft', usage: { tokens } })

  const isApproved = task.answers.some((answer) => answer.for === 'approval')
  if (!isApproved && chance(`${task.id} approval`) < NEEDS_APPROVAL)
    return attempt.wait({ for: 'approval', question: `May I go ahead with "${task.description}"?`, of: HUMAN })

  const advice = chance(`${task.id} asks`) < ASKS ? await ask(crew, agent, colleague, attempt) : undefined
  await think(0.6)
  if (chance(`${task.id} fails ${number}`) < FAILS)
    throw new Error(EXCUSES[Math.floor(chance(`${task.id} excuse ${number}`) * EXCUSES.length)])
  return { by: agent.id, ...(advice !== undefined && { advice }) }
}

/** Asks once for each task: a question outlives its attempt, and even its process. */
async function ask(crew: Crew, agent: Member, colleague: Id, { task, signal }: Attempt): Promise<string | undefined> {
  const { communications } = crew
  const [earlier] = communications.messages({ taskId: task.id, kind: QUESTION, limit: 1 })
  const limits = { signal, timeoutMs: 10_000 }
  try {
    const reply =
      earlier?.id === undefined
        ? await agent.ask(colleague, `How would you begin with "${task.description}"?`, {
            ...limits,
            taskId: task.id,
            kind: QUESTION,
          })
        : await communications.awaitReply(earlier.id, limits)
    return typeof reply.content === 'string' ? reply.content : undefined
  } catch (error) {
    // Nobody answered in time: it goes on without.
    if (CrewError.is(error, 'timed_out')) return undefined
    throw error
  }
}

const ADVICE = [
  'the smallest case',
  'a failing test',
  'the data',
  'the person who asked for it',
  'what can be left out',
]
const adviceOn = (about: string): string => ADVICE[Math.floor(chance(`${about} advice`) * ADVICE.length)] ?? ''
