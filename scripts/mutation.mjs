// Changes the code in small ways and counts which changes the tests notice: `npm run mutation`, or one part of it with
// `npm run mutation -- messages`. Each part is run with the tests of its own, quick ones first.
import { spawnSync } from 'node:child_process'

const parts = {
  tasks: {
    mutate: ['tasks/task', 'tasks/task-moves', 'tasks/task-graph', 'tasks/attempt'],
    tests: ['core/tasks/*', 'core/time', 'core/tasks/workload'],
  },
  messages: {
    mutate: ['messages/communications', 'messages/message-commands', 'messages/mailboxes'],
    tests: [
      'core/messages/*',
      'core/policy',
      'core/idempotency',
      'crew/events',
      'crew/rebuilt',
      'core/journal/sessions',
      'core/crew.property',
      'core/saved-state.property',
      'crew/rebuilt.property',
      'core/messages/mail-limits',
      'core/journal/checkpoint',
      'crew/retention',
    ],
  },
  journal: {
    mutate: ['journal/decision', 'journal/local-journal', 'journal/journal', 'journal/replica'],
    tests: [
      'core/journal/*',
      'core/misuse',
      'crew/lifetime',
      'crew/read-only',
      'crew/past*',
      'crew/close',
      'crew/events',
      'crew/event-payloads',
      'crew/journal-events',
      'crew/last-seen',
      'crew/outages',
      'crew/rebuilt',
      'core/messages/communications',
      'core/messages/expiry',
      'core/messages/topics',
      'core/tasks/task-time',
      'crew/crew',
      'core/crew-faults',
      'core/journal/sessions',
      'core/journal/journal.property',
      'crew/rebuilt.property',
      'core/saved-state.property',
      'core/journal/checkpoint',
      'core/journal/commit-size',
      'core/tasks/task-leases',
      'assignment/auto-assign',
      'assignment/automatic',
      'core/tasks/cascades',
    ],
  },
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)
const failed = names.filter((name) => {
  const { mutate, tests } = parts[name]
  console.log(`\n=== ${name}`)
  const files = mutate.map((file) => `src/core/${file}.ts`).join()
  const { status } = spawnSync('npx', ['stryker', 'run', '--mutate', files], {
    stdio: 'inherit',
    env: { ...process.env, CREWLOG_MUTATION_TESTS: tests.map((test) => `test/${test}.test.ts`).join(' ') },
  })
  return status !== 0
})
if (failed.length > 0) console.error(`\nUnder the threshold, or not run: ${failed.join(', ')}`)
process.exitCode = failed.length > 0 ? 1 : 0
