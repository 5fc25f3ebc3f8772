import type { Run } from '../../../src/core/journal/journal-storage.js'
import { alone, Plain, type Wrong } from './right.js'

export const watch: readonly Wrong[] = [
  [
    'never wakes',
    'it: watch wakes whoever watches, after an append by any client',
    alone(
      class extends Plain {
        override watch() {
          return () => undefined
        }
      },
    ),
  ],
  [
    'wakes for ever',
    'it: watch ends when told so, for that watcher alone',
    alone(
      class extends Plain {
        override watch(journal: string, wake: () => void) {
          super.watch(journal, wake)
          return () => undefined
        }
      },
    ),
  ],
  [
    'ends all watchers with one',
    'it: watch ends when told so, for that watcher alone',
    alone(
      class extends Plain {
        readonly offs: (() => void)[] = []
        override watch(journal: string, wake: () => void) {
          this.offs.push(super.watch(journal, wake))
          return () => {
            for (const off of this.offs) off()
          }
        }
      },
    ),
  ],
  [
    'hangs when the signal aborts',
    'it: signals a call whose signal has aborted ends it, and leaves the storage as usable as before',
    alone(
      class extends Plain {
        override read(journal: string, after: number, limit: number, options?: { signal?: AbortSignal }): Promise<Run> {
          return options?.signal?.aborted ? new Promise(() => undefined) : super.read(journal, after, limit)
        }
      },
    ),
  ],
  [
    'does not hear a signal while it works',
    'it: signals a call whose signal aborts on the way ends it, and leaves the storage as usable as before',
    alone(
      class extends Plain {
        override async trim(journal: string, through: number, options?: { signal?: AbortSignal }): Promise<void> {
          await super.trim(journal, through)
          await Promise.resolve()
          if (options?.signal?.aborted) await new Promise(() => undefined)
        }
      },
    ),
  ],
]
