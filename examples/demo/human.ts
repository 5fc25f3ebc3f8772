import type { Crew, Id, Member, Running } from 'crewlog'
import { chance } from './chance.js'
import { pause } from './pause.js'

/** The one who approves and reviews. */
export const HUMAN: Id = 'hana'

/** Stands in for a person: reads the mailbox, thinks, and answers what tasks wait for. */
export function playHuman({ tracker }: Crew, hana: Member, pace: number): Running {
  return hana.listen(async ({ kind, taskId }) => {
    const task = taskId === undefined ? undefined : tracker.get(taskId)
    if (!task?.waitingFor) return
    await pause(150 * pace)
    // A mail that was answered, and not acknowledged before a kill, comes again.
    const { for: reason } = task.waitingFor
    if (kind === 'task.question' && reason === 'approval') await hana.answer(task.id, 'yes')
    if (kind === 'task.review' && reason === 'review') {
      const passed = task.answers.some((answer) => answer.passed === false) || chance(`${task.id} passes`) > 0.4
      await hana.review(task.id, passed ? { passed } : { passed, remarks: 'Good; say more about what can go wrong' })
    }
  })
}
