// A tab of an app, which tabs.test.ts drives: it calls what is in `tab`, whose arguments and answers are plain JSON.
import { type Crew, CrewError, type Environment, openCrew, systemEnvironment } from 'crewlog'
import { indexedDbStorage } from 'crewlog/storage/indexeddb'
import { checkJournal } from 'crewlog/testing'

const storage = indexedDbStorage('app')
const errors: string[] = []
const done: string[] = []
const seen = new Map<string, number>()
let crew: Crew

/** Never looks by itself: learns of others only when it is woken. */
const withoutPolls: Environment = {
  ...systemEnvironment,
  setTimer: (run, ms, background) =>
    background && ms >= 2000 ? () => undefined : systemEnvironment.setTimer(run, ms, background),
}

const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: unknown) => (CrewError.is(error) ? `${error.code}: ${error.message}` : String(error)),
  )

const tab = {
  open: ({ polls = true, leaseMs = 60_000 } = {}): Promise<string> =>
    outcome(
      openCrew({
        storage,
        leaseMs,
        ...(!polls && { environment: withoutPolls }),
        onError: (error) => errors.push(String(error)),
      }).then((opened) => {
        crew = opened
        crew.on('task.created', ({ task }) => seen.set(task.description, Date.now()))
      }),
    ),
  join: (id: string): Promise<string> => outcome(crew.join(id, { capacity: 8 })),
  create: (...descriptions: string[]): Promise<string> =>
    outcome(crew.tracker.createMany(descriptions.map((description) => ({ description })))),
  work: (id: string, ms = 0): void => {
    crew.as(id).work(async ({ task }) => {
      if (ms > 0) await new Promise<void>((resolve) => systemEnvironment.setTimer(resolve, ms))
      done.push(task.description)
    })
  },
  sync: (): Promise<string> => outcome(crew.sync()),
  idle: (): Promise<string> => outcome(crew.idle()),
  checkpoint: (): Promise<string> => outcome(crew.checkpoint()),
  close: (): Promise<string> => outcome(crew.close()),
  check: async (): Promise<readonly string[]> => (await checkJournal(storage)).map(({ rule }) => rule),
  facts: () => ({
    completed: crew.tracker.count({ status: 'completed' }),
    tasks: crew.tracker.list().map(({ description }) => description),
    seen: Object.fromEntries(seen),
    done,
    errors,
  }),
}
export type Tab = typeof tab

Object.assign(globalThis, { tab })
