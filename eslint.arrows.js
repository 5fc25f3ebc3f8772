import { posix } from 'node:path'

// The dependency arrows of src. A file imports from the folders that its own folder names, and from layers below its
// own in its folder; never from its own layer, so no circle can close. A new file of the core takes its place here.

/** What the files of a folder may import besides lower layers of their own folder; '.' is src itself. */
const folders = {
  '.': ['crew', 'reports', 'assignment', 'core'],
  connect: ['security', 'crew', 'reports', 'assignment', 'core'],
  testing: ['testing/storage-contract', 'testing/journal-check', 'crew', 'reports', 'assignment', 'core'],
  'testing/storage-contract': ['core'],
  'testing/journal-check': ['core'],
  security: ['reports', 'core'],
  crew: ['reports', 'assignment', 'core'],
  reports: ['core'],
  assignment: ['core'],
  storage: ['core'],
  'storage/file': ['core'],
  core: [],
}

/** The layers of a folder, highest first; '*' is every file that has no layer of its own. */
const layers = {
  '.': [['index']],
  connect: [['*'], ['tools']],
  testing: [
    ['index'],
    ['simulate'],
    ['simulated-world', 'simulated-member', 'simulation-report'],
    ['simulation-options', 'simulated-process'],
    ['virtual-time'],
    ['*'],
    ['faulty-storage', 'matchers', 'script-steps'],
    ['fault-plan', 'rewindable-storage', 'manual-environment'],
    ['random', 'likeness', 'record-events', 'rounds'],
  ],
  'testing/journal-check': [
    ['../check-journal'],
    ['pruning'],
    ['keys'],
    ['mail'],
    ['*'],
    ['membership', 'sessions', 'waiting-order'],
    ['task-states'],
    ['findings'],
  ],
  'testing/storage-contract': [['../storage-contract'], ['*'], ['trial'], ['samples', 'assert', 'patient-storage']],
  security: [['index'], ['*']],
  crew: [['crew'], ['member'], ['work'], ['refusals'], ['stopper', 'last-seen', 'crew-news', 'crew-options']],
  reports: [['report-generator'], ['*'], ['untaken'], ['report', 'markdown'], ['statistics']],
  assignment: [['index'], ['*'], ['strategy']],
  storage: [['*']],
  'storage/file': [
    ['../file'],
    ['journal-files'],
    ['checkpoints'],
    ['log'],
    ['lock', 'log-index'],
    ['lines', 'disk'],
    ['turns'],
  ],
  core: [
    ['pruning'],
    ['communications', 'task-tracker'],
    ['task-queries'],
    ['task-news', 'message-news'],
    ['task-commands', 'message-commands'],
    ['task-endings'],
    ['task-answers'],
    ['task-budgets'],
    ['task-desk'],
    ['task-filter', 'task-notices', 'eligibility'],
    ['cascades'],
    ['task-board', 'mailboxes'],
    ['message-index', 'mail-queues', 'task-card'],
    ['attempt', 'claim-queues', 'task-graph', 'forgotten-tasks', 'delivery', 'topics', 'pair-rates'],
    ['kinds'],
    ['access', 'task-input', 'task-moves', 'message-filter', 'thread'],
    ['task', 'message', 'members', 'idempotency'],
    ['past-journal'],
    ['journal'],
    ['replica'],
    ['local-journal', 'commit-wire', 'memory-storage', 'upkeep'],
    ['journal-log'],
    ['leases', 'crew-settings', 'forgetting', 'decision', 'storage-client', 'checkpoint'],
    ['projection', 'session', 'outages'],
    ['journal-storage'],
    ['abortable', 'events', 'waits', 'changes', 'attempt-record'],
    ['environment', 'input', 'markdown'],
    ['heap', 'json', 'multi-map'],
    ['errors'],
  ],
}

const nameOf = (folder, row) => `${folder}: ${row.join(', ')}`
const namesOf = (folder, rows = layers[folder]) => rows.map((row) => nameOf(folder, row))

/** The table as eslint-plugin-boundaries reads it: a category for each layer, and what each category may import. */
export const categories = Object.entries(layers)
  .flatMap(([folder, rows]) =>
    rows.flatMap((row) =>
      row.map((file) => ({ category: nameOf(folder, row), pattern: posix.normalize(`src/${folder}/${file}.ts`) })),
    ),
  )
  // The first match counts, so what has a name comes before '*'.
  .sort((a, b) => Number(a.pattern.includes('*')) - Number(b.pattern.includes('*')))

export const policies = Object.entries(layers).flatMap(([folder, rows]) =>
  rows.map((row, height) => {
    const below = [...namesOf(folder, rows.slice(height + 1)), ...folders[folder].flatMap((name) => namesOf(name))]
    return {
      from: { file: { categories: nameOf(folder, row) } },
      allow: { to: { file: { categories: { anyOf: below } } } },
    }
  }),
)
