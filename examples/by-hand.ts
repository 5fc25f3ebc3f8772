// Mailboxes, board and reports alone, without a crew and its loops, moved by hand: prints `| tasks | 2 |`.
import { Communications, CrewError, Message, ReportGenerator, TaskTracker } from 'crewlog'

const communications = new Communications()
await communications.send(new Message({ sender: 'LLM 1', recipient: 'LLM 2', content: 'Hello LLM 2!' }))
for (const delivery of await communications.receive('LLM 2')) {
  console.log(`${delivery.message.sender}:`, delivery.message.content)
  await communications.reply(delivery.message, { sender: 'LLM 2', content: 'Hello LLM 1!' })
  await communications.acknowledge(delivery)
}
console.log(communications.unread('LLM 1'), 'unread for LLM 1')

const tracker = new TaskTracker()
const build = await tracker.create({ description: 'Implement feature A', priority: 2 })
const test = await tracker.create({ description: 'Test feature A', dependsOn: [build.id] })
await tracker.assign(build.id, 'LLM 1')
await tracker.start(build.id)
console.log(
  'in progress:',
  tracker
    .list({ status: 'in_progress' })
    .map(({ description }) => description)
    .join(),
)
await tracker.complete(build.id, { result: { files: 3 } })
console.log(
  'ready now:',
  tracker
    .ready()
    .map(({ description }) => description)
    .join(),
)

try {
  await tracker.complete(test.id)
} catch (error) {
  if (CrewError.is(error, 'invalid_transition')) console.log('refused:', error.message)
}

const report = new ReportGenerator({ tracker, communications }).generate('summary')
console.log(report.toMarkdown())
