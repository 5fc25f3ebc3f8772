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
  assignment: ['assignment/optimal', 'assignment/schedule', 'core'],
  'assignment/optimal': ['core'],
  'assignment/schedule': ['core'],
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
    ['likeness', 'record-events', 'rounds', 'settle'],
    ['choice', 'standstill'],
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
  'testing/storage-contract': [
    ['../storage-contract'],
    ['*'],
    ['trial'],
    ['samples', 'assert', 'patient-storage'],
    ['../span'],
  ],
  security: [['index'], ['*']],
  crew: [
    ['crew'],
    ['member'],
    ['work'],
    ['takers', 'readers', 'reviewers'],
    ['waiting-line', 'setbacks'],
    ['outlook', 'idleness'],
    ['refusals'],
    ['stopper', 'handlers', 'last-seen', 'crew-news', 'crew-options'],
  ],
  reports: [
    ['index'],
    ['report-generator'],
    ['*'],
    ['findings', 'presented-report', 'watched', 'custom-measures', 'custom-rows'],
    ['untaken', 'storms'],
    ['takers'],
    ['backlog'],
    ['outlook', 'staffing'],
    ['past', 'calendar-settings', 'list-settings', 'notes'],
    ['render/*'],
    ['render/scale'],
    ['render/csv', 'render/markdown', 'render/mermaid', 'render/svg'],
    ['report'],
    ['report-view'],
    ['statistics'],
    ['percentile'],
    ['figures/*'],
    ['figures/calendar', 'figures/life', 'figures/records', 'figures/rehearsal'],
    ['figures/place-heap', 'figures/top', 'figures/wait-ends'],
    ['figures/open-graph'],
  ],
  assignment: [['index'], ['*'], ['outlook'], ['under-way'], ['awaited-tasks', 'duration'], ['strategy']],
  'assignment/optimal': [
    ['solve'],
    ['search', 'by-number'],
    ['allocation', 'units'],
    ['beam'],
    ['gains', 'layer'],
    ['prices'],
    ['knapsack', 'climb'],
    ['problem'],
  ],
  'assignment/schedule': [['find-schedule'], ['tabu-search', 'list-schedule'], ['moves'], ['work-graph'], ['problem']],
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
    ['messages/communications', 'tasks/task-tracker'],
    ['tasks/auto-assign', 'tasks/automatic-assignment', 'tasks/collaboration', 'tasks/tracker-parts'],
    ['tasks/task-queries'],
    ['tasks/task-news', 'messages/message-news'],
    ['tasks/task-commands', 'messages/message-commands'],
    ['tasks/offers'],
    ['tasks/task-starts'],
    ['tasks/task-expiry'],
    ['tasks/task-endings', 'tasks/assigning'],
    ['tasks/task-answers'],
    [
      'tasks/task-budgets',
      'tasks/task-explanations',
      'tasks/member-explanations',
      'tasks/assignment-plan',
      'tasks/proposals',
    ],
    ['tasks/assignment-view', 'tasks/wanted-tasks', 'tasks/task-standing'],
    ['tasks/task-desk'],
    ['tasks/task-filter', 'tasks/task-notices', 'tasks/eligibility', 'tasks/start-watch'],
    ['tasks/cascades'],
    ['tasks/task-board', 'messages/mailboxes'],
    ['messages/message-index', 'messages/mail-queues', 'tasks/task-places', 'tasks/task-index', 'tasks/shortages'],
    ['tasks/given-tasks'],
    ['tasks/task-card', 'tasks/obstacles'],
    [
      'tasks/attempt',
      'tasks/claim-queues',
      'tasks/member-effects',
      'tasks/track-records',
      'tasks/task-graph',
      'tasks/forgotten-tasks',
      'messages/delivery',
      'messages/topics',
      'messages/pair-rates',
    ],
    ['kinds'],
    [
      'access',
      'tasks/assignment',
      'tasks/task-events',
      'tasks/task-input',
      'tasks/task-moves',
      'messages/message-filter',
      'messages/thread',
    ],
    ['tasks/task', 'messages/message', 'members', 'idempotency'],
    ['journal/past-journal'],
    ['journal/journal'],
    ['journal/replica'],
    ['journal/local-journal', 'journal/commit-wire', 'journal/memory-storage', 'journal/upkeep'],
    ['journal/journal-log'],
    [
      'journal/leases',
      'journal/crew-settings',
      'journal/forgetting',
      'journal/decision',
      'journal/storage-client',
      'journal/checkpoint',
      'journal/memory-log',
    ],
    ['journal/projection', 'journal/session', 'journal/outages'],
    ['journal/journal-storage'],
    ['abortable', 'events', 'waits', 'changes', 'tasks/attempt-record'],
    ['environment', 'input', 'markdown'],
    ['heap', 'json', 'multi-map', 'random'],
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
