import { aFunction, filledText, object, read } from '../core/input.js'
import { type Span, span } from './span.js'
import { append } from './storage-contract/append.js'
import { bytes, limits } from './storage-contract/bytes.js'
import { checkpoints } from './storage-contract/checkpoints.js'
import { names } from './storage-contract/names.js'
import { open } from './storage-contract/open.js'
import { Patience } from './storage-contract/patient-storage.js'
import { read as reading } from './storage-contract/read.js'
import { signals } from './storage-contract/signals.js'
import { type Cases, type StorageBackend, Trial } from './storage-contract/trial.js'
import { trim } from './storage-contract/trim.js'
import { watch } from './storage-contract/watch.js'

export interface StorageContractOptions {
  /** Of the storage, in the names of the tests. */
  readonly name: string
  /** Those of vitest, Jest, node:test or any runner like them. */
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, run: () => Promise<void>) => unknown
  /** Called once for each case. */
  readonly open: () => StorageBackend | Promise<StorageBackend>
  /** How long each call may take, and what is only promised to happen some time; default 4 s, less than runners give a test. */
  readonly patienceMs?: Span
}

/** What every storage of journals must do: each sentence of `JournalStorage` as one case, by concern. */
export function storageContract(options: StorageContractOptions): void {
  const { name, describe, it, open: backend, patienceMs = 4000 } = read(contractOptions, options, 'options')
  const patience = new Patience(patienceMs)
  for (const [concern, cases] of Object.entries(CONCERNS)) {
    describe(`${name}: ${concern}`, () => {
      for (const [sentence, run] of Object.entries(cases)) {
        it(sentence, async () => {
          const trial = new Trial(await patience.bound('open() of the contract', backend()), patience)
          try {
            await run(trial)
          } catch (error) {
            // What closing complains of comes after it.
            await trial.end().catch(() => undefined)
            throw error
          }
          await trial.end()
        })
      }
    })
  }
}

const contractOptions = object(
  {
    name: filledText,
    describe: aFunction<StorageContractOptions['describe']>(),
    it: aFunction<StorageContractOptions['it']>(),
    open: aFunction<StorageContractOptions['open']>(),
    patienceMs: span,
  },
  ['name', 'describe', 'it', 'open'],
)

const CONCERNS: Readonly<Record<string, Cases>> = {
  append,
  read: reading,
  trim,
  checkpoints,
  names,
  bytes,
  limits,
  open,
  watch,
  signals,
}
