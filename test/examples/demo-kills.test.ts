import { openCrew, type Commit, type Crew, type JournalEvent } from 'crewlog'
import { fileStorage } from 'crewlog/storage/file'
import { manualEnvironment } from 'crewlog/testing'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { killedAt, type Moment, type Told } from '../support/demo-child.js'
import { demo, figuresOf, temporaryFolder, workflowText } from '../support/demo-run.js'

/** How many processes are killed: CREWLOG_KILLS=100 for more. */
const KILLS = Number(process.env['CREWLOG_KILLS'] ?? 3)
const SECONDS_FOR_EACH = 20

const folder = temporaryFolder()

/** The same moments in every run, spread over `events` events. */
function moments(seed: number, events: number): () => Moment {
  const chance = manualEnvironment({ seed })
  return () => ({ events: Math.floor(chance.random() * events), delayMs: 20 * chance.random() })
}

/** What all processes of one run over one board told so far. */
class Story {
  told: Told[] = []
  readonly #kept: string

  constructor(kept: string) {
    this.#kept = kept
  }

  /** Opens what a killed process left, and compares it with what was told. */
  async check(): Promise<void> {
    const boards = (await readdir(this.#kept, { withFileTypes: true })).filter((entry) => entry.isDirectory())
    // Killed before there was anything.
    if (boards.length === 0) {
      expect(this.told).toEqual([])
      return
    }
    const path = join(this.#kept, boards[0]!.name)
    await using crew = await openCrew({ name: 'demo', storage: fileStorage(path) })
    const commits = await commitsIn(path)
    expectNothingDoubled(crew, commits)
    const kept = new Set(commits.flatMap(({ seq, events }) => events.map(({ type, id }) => `${seq} ${type} ${id}`)))
    expect(this.told.filter(({ seq, type, id }) => !kept.has(`${seq} ${type} ${id}`))).toEqual([])
    for (const { type, id } of this.told)
      if (type === 'task.completed') expect(crew.tracker.status(id)).toBe('completed')
  }
}

async function commitsIn(path: string): Promise<readonly Commit[]> {
  const storage = fileStorage(path)
  const commits: Commit[] = []
  for (;;) {
    const run = await storage.read('demo', commits.length, 1000)
    if (!('commits' in run)) throw new Error('The demo does not trim')
    if (run.commits.length === 0) return commits
    commits.push(...run.commits)
  }
}

function expectNothingDoubled(crew: Crew, commits: readonly Commit[]): void {
  const events = commits.flatMap((commit) => commit.events)
  const once = (name: string, chosen: readonly string[]): void => {
    expect(`${name}: ${chosen.filter((key, index) => chosen.indexOf(key) < index).join(', ')}`).toBe(`${name}: `)
  }
  const ids = (type: string): readonly string[] => events.filter((event) => event.type === type).map(({ id }) => id)
  expect(commits.map(({ seq }) => seq)).toEqual(commits.map((_, index) => index + 1))
  once(
    'commits',
    commits.map(({ id }) => id),
  )
  for (const type of ['member.joined', 'task.created', 'task.completed', 'task.failed', 'message.sent'])
    once(type, ids(type))
  once(
    'questions',
    events.filter(isQuestion).map(({ changes }) => JSON.stringify(changes['taskId'])),
  )
  once(
    'notes',
    events.filter(({ changes }) => changes['kind'] === 'board.loaded').map(({ type }) => type),
  )
  // Of a task with reviewers the last attempt ended when the review began.
  for (const { id, attempts, reviewers } of crew.tracker.list({ status: 'completed' })) {
    const completed = attempts.filter(({ outcome }) => outcome === 'completed').length
    expect({ id, completed }).toEqual({ id, completed: reviewers.length > 0 ? 0 : 1 })
  }
}

const isQuestion = ({ type, changes }: JournalEvent): boolean =>
  type === 'message.sent' && changes['kind'] === 'question'

it(
  `keeps all that it told, once, through ${KILLS} kills over the sample board`,
  async () => {
    const args = ['--folder', folder(), '--pace', '0.2', '--verbose']
    const next = moments(KILLS, 160)
    let story = new Story(folder())
    let runs = 1
    let told = 0
    for (let kills = 0; kills < KILLS;) {
      const { told: more, wasKilled, isAnew, err } = await killedAt(args, next())
      expect(err).toBe('')
      if (isAnew) {
        runs++
        story = new Story(folder())
      }
      story.told.push(...more)
      told += more.length
      if (wasKilled) kills++
      await story.check()
    }
    const { code, out } = await demo(['--folder', folder(), '--pace', '0', '--json'])
    const { tasks, completed, failed } = figuresOf(out)

    expect(code).toBe(0)
    expect(completed + failed).toBe(tasks)
    console.log(`${KILLS} kills in ${runs} runs over the sample board, ${told} events told: none lost, none doubled`)
  },
  KILLS * SECONDS_FOR_EACH * 1000,
)

it(
  'has the schedule of a run that was not killed',
  async () => {
    const path = join(folder(), 'fork-join.json')
    const chance = manualEnvironment({ seed: 7 })
    const middle = Array.from({ length: 60 }, (_, index) => `m${index}`)
    const tasks = [
      { id: 'fork', seconds: 1 },
      ...middle.map((id) => ({ id, seconds: 10 * chance.random(), parents: ['fork'] })),
      { id: 'join', seconds: 1, parents: middle },
    ]
    await writeFile(path, workflowText(tasks))
    const [kept, other] = [join(folder(), 'killed'), join(folder(), 'whole')]
    const whole = await demo([path, '--folder', other, '--json'])

    const next = moments(3, 40)
    const story = new Story(kept)
    for (let kills = 0; kills < 2; kills++) {
      story.told.push(...(await killedAt([path, '--folder', kept, '--verbose'], next())).told)
      await story.check()
    }
    const { out } = await demo([path, '--folder', kept, '--json'])

    expect(out).toContain('going on in')
    expect(figuresOf(out)).toEqual(figuresOf(whole.out))
  },
  2 * SECONDS_FOR_EACH * 1000,
)
