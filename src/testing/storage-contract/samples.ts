import type { Checkpoint, Commit, JournalEvent } from '../../core/journal/journal-storage.js'
import type { Json } from '../../core/json.js'

export const event = (seq: number, changes: JournalEvent['changes']): JournalEvent => ({
  type: 'note.written',
  id: `n${seq}`,
  version: 1,
  by: 'ann',
  at: 1000 + seq,
  changes,
})

/** A commit to try things with: the same for the same number, and following the one before. */
export const commit = (seq: number, more: Partial<Commit> = {}): Commit => ({
  seq,
  id: `c${seq}`,
  prev: seq > 1 ? `c${seq - 1}` : '',
  format: 1,
  at: 1000 + seq,
  events: [event(seq, { text: `text ${seq}`, count: seq, list: [seq, null, { deep: true }] })],
  ...more,
})

export const commits = (from: number, to: number): readonly Commit[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => commit(from + index))

export const partsAt = (seq: number): readonly string[] => [`{"at":${seq}}`, `"part of ${seq}"`]

export const checkpoint = (
  seq: number,
  parts = partsAt(seq),
  more: Partial<Omit<Checkpoint, 'parts'>> = {},
): Checkpoint => ({
  seq,
  id: `c${seq}`,
  format: 1,
  parts: each(parts),
  ...more,
})

async function* each(parts: readonly string[]): AsyncGenerator<string> {
  yield* parts
}

export async function partsOf(kept: Checkpoint | undefined): Promise<readonly string[]> {
  const parts: string[] = []
  for await (const part of kept?.parts ?? []) parts.push(part)
  return parts
}

export const clone = (value: Commit): Commit => JSON.parse(JSON.stringify(value)) as Commit

/** Changes all of a commit that can be changed; a frozen one cannot. */
export function spoil(mine: Commit): void {
  const spoilt = mine as unknown as { id: string; events: { changes: Record<string, Json> }[] }
  const attempts = [
    () => (spoilt.id = 'spoilt'),
    ...spoilt.events.flatMap(({ changes }) => [
      () => (changes['text'] = 'spoilt'),
      () => ((changes['list'] as Json[])[0] = 'spoilt'),
    ]),
    () => (spoilt.events.length = 0),
  ]
  for (const attempt of attempts) {
    try {
      attempt()
    } catch {
      // Frozen: as good as a copy.
    }
  }
}
