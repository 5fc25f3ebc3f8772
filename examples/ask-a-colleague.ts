// An agent asks a colleague while it works and goes on with the reply: prints `{ port: 8080 }`.
import { openCrew } from 'crewlog'

const crew = await openCrew()
const ana = await crew.join('ana')
const bo = await crew.join('bo')
const task = await crew.tracker.create({ description: 'Configure the server', assignees: 'ana' })

bo.listen(async (message) => {
  if (message.content === 'Which port?') await bo.reply(message, 8080)
})

ana.work(async (attempt) => {
  const reply = await ana.ask('bo', 'Which port?', {
    taskId: attempt.task.id, // so that question and reply are in the thread of the task
    timeoutMs: 5000,
    signal: attempt.signal,
  })
  return { port: reply.content }
})

const { result } = await crew.tracker.whenEnded(task.id)
console.log(result)
console.log(crew.communications.thread({ taskId: task.id }).toMarkdown())
await crew.close()
