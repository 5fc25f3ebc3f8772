import { append } from './storage-contract/append.js'
import { bytes, limits } from './storage-contract/bytes.js'
import { checkpoints } from './storage-contract/checkpoints.js'
import { names } from './storage-contract/names.js'
import { open } from './storage-contract/open.js'
import { read } from './storage-contract/read.js'
import { type Backend, type Cases, Trial } from './storage-contract/trial.js'
import { trim } from './storage-contract/trim.js'
import { signals, watch } from './storage-contract/watch.js'

interface StorageContract {
  readonly name: string
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, run: () => Promise<void>) => unknown
  /** Called once for each case. */
  readonly open: () => Backend | Promise<Backend>
  /** How long to wait for what is only promised to happen some time; default 5,000. */
  readonly patienceMs?: number
}

/** What every storage of journals must do: each sentence of `JournalStorage` as one case. */
export function storageContract({ name, describe, it, open, patienceMs = 5000 }: StorageContract): void {
  for (const [concern, cases] of Object.entries(CONCERNS)) {
    describe(`${name}: ${concern}`, () => {
      for (const [sentence, run] of Object.entries(cases)) {
        it(sentence, async () => {
          const trial = new Trial(await open(), patienceMs)
          try {
            await run(trial)
          } finally {
            await trial.end()
          }
        })
      }
    })
  }
}

const CONCERNS: Readonly<Record<string, Cases>> = {
  append,
  read,
  trim,
  checkpoints,
  names,
  bytes,
  limits,
  open,
  watch,
  signals,
}
