import type { Checkpoint } from '../../../src/core/journal/journal-storage.js'
import { alone, Checkpointing, type Kept, Plain, type Wrong } from './right.js'

export const checkpoints: readonly Wrong[] = [
  [
    'shows a checkpoint before it is whole',
    'it: checkpoints shows one only when all of its parts are there',
    alone(
      class extends Checkpointing {
        override async saveCheckpoint(journal: string, { seq, id, format, parts }: Checkpoint): Promise<void> {
          const texts: string[] = []
          this.put(journal, { seq, id, format, texts })
          for await (const part of parts) texts.push(part)
        }
      },
    ),
  ],
  [
    'keeps what it has of a checkpoint that fails',
    'it: checkpoints keeps nothing of one whose parts fail, and rejects',
    alone(
      class extends Checkpointing {
        override async saveCheckpoint(journal: string, { seq, id, format, parts }: Checkpoint): Promise<void> {
          const texts: string[] = []
          try {
            for await (const part of parts) texts.push(part)
          } finally {
            this.put(journal, { seq, id, format, texts })
          }
        }
      },
    ),
  ],
  [
    'hides that a checkpoint failed',
    'it: checkpoints keeps nothing of one whose parts fail, and rejects',
    alone(
      class extends Checkpointing {
        override saveCheckpoint(journal: string, checkpoint: Checkpoint): Promise<void> {
          return super.saveCheckpoint(journal, checkpoint).catch(() => undefined)
        }
      },
    ),
  ],
  [
    'keeps one checkpoint',
    'it: checkpoints keeps the newest two',
    alone(
      class extends Checkpointing {
        override keep = 1
      },
    ),
  ],
  [
    'keeps three checkpoints',
    'it: checkpoints keeps the newest two',
    alone(
      class extends Checkpointing {
        override keep = 3
      },
    ),
  ],
  [
    'lets an older checkpoint replace a newer one',
    'it: checkpoints takes one that is older than the newest, or of the same number, as no change',
    alone(
      class extends Checkpointing {
        override isNews(): boolean {
          return true
        }
      },
    ),
  ],
  [
    'lets a checkpoint of the same number replace the first',
    'it: checkpoints takes one that is older than the newest, or of the same number, as no change',
    alone(
      class extends Checkpointing {
        override put(journal: string, next: Kept): void {
          if (this.of(journal).at(-1)?.seq === next.seq) this.of(journal).pop()
          super.put(journal, next)
        }
      },
    ),
  ],
  [
    'takes before as up to',
    'it: checkpoints answers `before` with a number strictly below',
    alone(
      class extends Checkpointing {
        override isBelow(seq: number, before: number): boolean {
          return seq <= before
        }
      },
    ),
  ],
  [
    'joins the parts of a checkpoint',
    'it: checkpoints brings back number, id, format and the parts in their order',
    alone(
      class extends Checkpointing {
        override async *parts(texts: readonly string[]): AsyncGenerator<string> {
          yield texts.join('\n')
        }
      },
    ),
  ],
  [
    'writes the JSON of checkpoints anew',
    'it: checkpoints brings back number, id, format and the parts in their order',
    alone(
      class extends Checkpointing {
        override async *parts(texts: readonly string[]): AsyncGenerator<string> {
          for (const text of texts) yield JSON.stringify(JSON.parse(text))
        }
      },
    ),
  ],
  [
    'keeps the checkpoints of all journals together',
    'it: checkpoints belong to their journal',
    alone(
      class extends Checkpointing {
        override of(): Kept[] {
          return super.of('all')
        }
      },
    ),
  ],
  [
    'takes a read checkpoint away when the next is saved',
    'it: checkpoints can be read on while the next one is saved',
    alone(
      class extends Checkpointing {
        override async *parts(texts: readonly string[]): AsyncGenerator<string> {
          const isNewest = this.of('crew').at(-1)?.texts === texts
          if (isNewest || this.of('crew').length === 1) yield* texts
        }
      },
    ),
  ],
  [
    'has an empty checkpoint from the start',
    'it: checkpoints has none until one is saved',
    alone(
      class extends Checkpointing {
        override of(journal: string): Kept[] {
          if (!this.kept.has(journal)) this.kept.set(journal, [{ seq: 0, id: '', format: 1, texts: [] }])
          return super.of(journal)
        }
      },
    ),
  ],
  [
    'reads the first page of the parts of a checkpoint',
    'it: checkpoints keeps one without parts, and one with many',
    alone(
      class extends Checkpointing {
        override async *parts(texts: readonly string[]): AsyncGenerator<string> {
          yield* texts.slice(0, 100)
        }
      },
    ),
  ],
  [
    'has one place for parts and two for numbers',
    'it: checkpoints keeps the parts of both',
    alone(
      class extends Checkpointing {
        override async *parts(): AsyncGenerator<string> {
          yield* this.of('crew').at(-1)?.texts ?? []
        }
      },
    ),
  ],
  [
    'keeps checkpoints in the log',
    'it: checkpoints are no commits',
    alone(
      class extends Plain {
        override async saveCheckpoint(journal: string, checkpoint: Checkpoint): Promise<void> {
          await super.saveCheckpoint(journal, checkpoint)
          const { seq = 0, id: prev = '' } = (await this.all(journal)).at(-1) ?? {}
          await super.append(journal, { seq: seq + 1, id: 'checkpoint', prev, format: 1, at: 0, events: [] })
        }
      },
    ),
  ],
]
