import { CrewError } from '../../../src/core/errors.js'
import type { Run } from '../../../src/core/journal/journal-storage.js'
import { oneWriter, OneWriter, type Wrong } from './right.js'

export const open: readonly Wrong[] = [
  [
    'lets a second writer open',
    'it: open is refused to a second writer, where there can be only one',
    oneWriter(
      class extends OneWriter {
        override isRefused(): boolean {
          return false
        }
      },
    ),
  ],
  [
    'refuses a second writer for good',
    'it: open is refused to a second writer, where there can be only one',
    oneWriter(
      class extends OneWriter {
        override refusal(): CrewError {
          return new CrewError('permission_denied', 'held by another')
        }
      },
    ),
  ],
  [
    'has one lock for all journals',
    'it: open one journal leaves the others free',
    oneWriter(
      class extends OneWriter {
        override isRefused(): boolean {
          return this.held.size > 0
        }
      },
    ),
  ],
  [
    'never lets go',
    'it: open after a close goes on where it stopped',
    oneWriter(
      class extends OneWriter {
        override async close(): Promise<void> {
          // Nothing.
        }
      },
    ),
  ],
  [
    'reads only what is open',
    'it: open is not needed to read',
    oneWriter(
      class extends OneWriter {
        override async read(journal: string, after: number, limit: number): Promise<Run> {
          if (!this.held.has(journal)) throw new CrewError('not_open', journal)
          return super.read(journal, after, limit)
        }
      },
    ),
  ],
  [
    'writes a first record at open',
    'it: open adds nothing to a journal, nor does closing',
    oneWriter(
      class extends OneWriter {
        override async open(journal: string): Promise<void> {
          await super.open(journal)
          await this.inner.append(journal, { seq: 1, id: 'opened', prev: '', format: 1, at: 0, events: [] })
        }
      },
    ),
  ],
  [
    'cannot be closed twice',
    'it: open is undone by close, twice as well as once, and before any open',
    oneWriter(
      class extends OneWriter {
        override async close(journal: string): Promise<void> {
          if (!this.held.has(journal)) throw new CrewError('not_open', journal)
          await super.close(journal)
        }
      },
    ),
  ],
]
