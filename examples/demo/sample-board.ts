import type { Id, TaskDraft } from 'crewlog'
import type { Board, BoardTask } from './board.js'
import { HUMAN } from './human.js'

type Row = readonly [
  id: Id,
  description: string,
  skill: string,
  level: number,
  priority: number,
  dependsOn?: readonly Id[],
  more?: Pick<TaskDraft, 'reviewers'>,
]

const reviewed = { reviewers: [HUMAN] }

// Booking for a ferry line, from the first sketch to the first passenger.
const ROWS: readonly Row[] = [
  ['interviews', 'Interview the harbour office and ten passengers', 'design', 0.6, 4],
  ['journeys', 'Draw the journeys of passenger, driver and purser', 'design', 0.6, 4, ['interviews']],
  ['wireframes', 'Wireframes of search, booking and boarding', 'design', 0.7, 3, ['journeys'], reviewed],
  ['visual-design', 'Colours, type and components', 'design', 0.8, 2, ['wireframes']],
  ['repository', 'Set up the repository, formatter and reviews', 'ops', 0.5, 4],
  ['pipeline', 'Build and test every change', 'ops', 0.6, 4, ['repository']],
  ['staging', 'A staging environment, made from code', 'ops', 0.8, 3, ['pipeline']],
  ['domain-model', 'Model sailings, cabins, vehicles and fares', 'backend', 0.7, 4, ['journeys']],
  ['schema', 'Tables and migrations', 'backend', 0.6, 4, ['domain-model', 'repository']],
  ['timetable-import', 'Import the timetable of the harbour office', 'backend', 0.5, 3, ['schema']],
  ['sailing-search', 'Search sailings by date, route and vehicle', 'backend', 0.6, 4, ['schema', 'timetable-import']],
  ['fare-rules', 'Fares by season, age and length of vehicle', 'backend', 0.7, 3, ['schema'], reviewed],
  ['capacity', 'Hold a cabin or a lane without selling it twice', 'backend', 0.8, 4, ['schema']],
  ['accounts', 'Sign up and log in with a link by mail', 'backend', 0.5, 3, ['schema']],
  ['roles', 'Rights for pursers and the office', 'backend', 0.5, 2, ['accounts']],
  ['booking-api', 'Book, change and cancel', 'backend', 0.7, 4, ['sailing-search', 'fare-rules', 'capacity']],
  ['payments', 'Pay by card, with a sandbox', 'backend', 0.8, 4, ['booking-api'], reviewed],
  ['refunds', 'Refunds when a sailing is cancelled', 'backend', 0.6, 3, ['payments']],
  ['tickets', 'Tickets with a code that the gate can read', 'backend', 0.5, 3, ['booking-api']],
  ['notices', 'Mail and text messages about delays', 'backend', 0.5, 2, ['booking-api', 'accounts']],
  ['app-shell', 'Application shell, routes and languages', 'frontend', 0.6, 3, ['wireframes', 'repository']],
  ['components', 'Build the components', 'frontend', 0.7, 3, ['app-shell', 'visual-design']],
  ['search-page', 'Search page', 'frontend', 0.6, 4, ['components', 'sailing-search']],
  ['booking-page', 'Booking in four steps', 'frontend', 0.7, 4, ['components', 'booking-api']],
  ['payment-page', 'Payment page and receipt', 'frontend', 0.6, 4, ['booking-page', 'payments']],
  ['my-bookings', 'See, change and cancel my bookings', 'frontend', 0.6, 2, ['booking-page', 'accounts']],
  ['purser-list', 'Passenger list for the purser, also without a network', 'frontend', 0.7, 3, ['components', 'roles']],
  ['gate-scanner', 'Scan tickets at the gate', 'frontend', 0.6, 3, ['components', 'tickets']],
  ['accessibility', 'Usable by keyboard and screen reader', 'frontend', 0.6, 2, ['search-page', 'booking-page']],
  ['test-data', 'A year of believable bookings', 'test', 0.5, 3, ['schema']],
  ['api-tests', 'Tests of the programming interface', 'test', 0.6, 3, ['booking-api', 'test-data']],
  ['race-tests', 'A thousand buyers of the last cabin', 'test', 0.8, 4, ['capacity', 'test-data']],
  ['payment-tests', 'Declined, doubled and late payments', 'test', 0.7, 4, ['payments', 'refunds']],
  ['browser-tests', 'The journeys in three browsers', 'test', 0.6, 3, ['payment-page', 'my-bookings']],
  ['load-test', 'The first day of the summer holidays', 'test', 0.7, 3, ['staging', 'api-tests']],
  ['monitoring', 'Figures, alarms and who is called', 'ops', 0.6, 3, ['staging']],
  ['backups', 'Backups, and a restore that was tried', 'ops', 0.7, 4, ['staging', 'schema']],
  ['security-check', 'Check of dependencies, secrets and rights', 'ops', 0.7, 4, ['roles', 'payments'], reviewed],
  ['privacy', 'What is kept of passengers, and for how long', 'write', 0.6, 3, ['domain-model']],
  ['help-pages', 'Help for passengers', 'write', 0.5, 2, ['booking-page']],
  ['purser-guide', 'A guide of two pages for pursers', 'write', 0.5, 2, ['purser-list', 'gate-scanner']],
  ['runbook', 'What to do when it is down', 'write', 0.5, 3, ['monitoring', 'backups']],
  [
    'pilot',
    'One route, one week, with real passengers',
    'ops',
    0.8,
    4,
    ['browser-tests', 'load-test', 'payment-tests', 'race-tests', 'security-check', 'runbook'],
  ],
  ['pilot-review', 'What the pilot taught', 'design', 0.6, 3, ['pilot', 'purser-guide']],
  ['translations', 'Texts in four languages', 'write', 0.7, 2, ['help-pages', 'accessibility']],
  ['launch', 'Open all routes', 'ops', 0.8, 4, ['pilot-review', 'translations', 'privacy', 'notices'], reviewed],
]

export const SAMPLE_BOARD: Board = {
  name: 'sample-board',
  tasks: ROWS.map(([id, description, skill, level, priority, dependsOn = [], more = {}]): BoardTask => ({
    id,
    description,
    kind: skill,
    priority,
    requires: { [skill]: level },
    dependsOn,
    ...more,
  })),
  closed: [],
  edges: ROWS.reduce((sum, [, , , , , dependsOn = []]) => sum + dependsOn.length, 0),
  isSimulated: false,
}
