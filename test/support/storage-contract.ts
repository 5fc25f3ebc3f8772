import { systemEnvironment } from '../../src/core/environment.js'
import { CrewError, type CrewErrorCode } from '../../src/core/errors.js'
import type { Checkpoint, Commit, JournalEvent, JournalStorage } from '../../src/core/journal-storage.js'
import { commitText } from '../../src/core/journal-storage.js'
import { type Json, sameJson, utf8Bytes } from '../../src/core/json.js'

/** An empty backend and who talks to it. */
export interface Backend {
  readonly storage: JournalStorage
  /** A second client of the same backend, as another process would have one. */
  readonly rival?: JournalStorage
  readonly dispose?: () => unknown
}

interface StorageContract {
  readonly name: string
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, run: () => Promise<void>) => unknown
  /** Called once for each case. */
  readonly open: () => Backend | Promise<Backend>
  /** How long to wait for what is only promised to happen some time; default 5,000. */
  readonly patienceMs?: number
}

type Case = (trial: Trial) => Promise<void>
type Cases = Readonly<Record<string, Case>>

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

const CREW = 'crew'

/** One case's own backend: opens what is written to, and closes it in the end. */
class Trial {
  readonly storage: JournalStorage
  readonly rival: JournalStorage | undefined
  readonly #dispose: Backend['dispose']
  readonly #patienceMs: number
  readonly #opened: (() => Promise<void> | undefined)[] = []

  constructor({ storage, rival, dispose }: Backend, patienceMs: number) {
    this.#patienceMs = patienceMs
    this.storage = storage
    this.rival = rival
    this.#dispose = dispose
  }

  /** All who can read; reading needs no `open`. */
  get readers(): readonly JournalStorage[] {
    return this.rival ? [this.storage, this.rival] : [this.storage]
  }

  /** All who can write. */
  get writers(): readonly JournalStorage[] {
    return this.storage.writers === 'many' ? this.readers : [this.storage]
  }

  async open(journal = CREW): Promise<void> {
    for (const writer of this.writers) {
      await writer.open?.(journal)
      this.#opened.push(() => writer.close?.(journal))
    }
  }

  /** Opens `journal` with the commits 1 to `count`. */
  async fill(count: number, journal = CREW): Promise<void> {
    await this.open(journal)
    for (let seq = 1; seq <= count; seq++) await this.append(commit(seq), journal)
  }

  async append(next: Commit, journal = CREW): Promise<void> {
    const answer = await this.storage.append(journal, next)
    assert(answer.appended, `append of commit ${next.seq} with id ${next.id} was refused`)
  }

  /** Every writer is refused. */
  async refuse(next: Commit, why: string, journal = CREW): Promise<void> {
    for (const writer of this.writers) {
      const answer = await writer.append(journal, next)
      assert(!answer.appended, `append was let in ${why}`)
    }
  }

  /** For every reader, `journal` holds exactly these commits behind `after`. */
  async holds(commits: readonly Commit[], after = 0, journal = CREW): Promise<void> {
    for (const reader of this.readers) {
      const run = await reader.read(journal, after, commits.length + 10)
      equal(run, { commits }, `read of ${journal} after ${after}`)
    }
  }

  async keeps(seqs: readonly number[], journal = CREW): Promise<void> {
    for (const reader of this.readers) {
      let before = Infinity
      for (const seq of seqs) {
        const kept = await reader.loadCheckpoint(journal, before)
        equal(kept?.seq, seq, `number of the newest checkpoint before ${before}`)
        before = seq
      }
      equal((await reader.loadCheckpoint(journal, before))?.seq, undefined, `checkpoint before ${before}`)
    }
  }

  /** What `promise` brings, or undefined if it takes too long. */
  soon<T>(promise: Promise<T>): Promise<T | undefined> {
    return Promise.race([promise, pause(this.#patienceMs)])
  }

  async end(): Promise<void> {
    for (const close of this.#opened) await close()
    await this.#dispose?.()
  }
}

const append: Cases = {
  'adds the first commit, and each next one behind it': async (trial) => {
    await trial.fill(3)
    await trial.holds([commit(1), commit(2), commit(3)])
  },
  'lets every writer go on where another one stopped': async (trial) => {
    await trial.open()
    for (let seq = 1; seq <= 6; seq++) {
      const writer = trial.writers[seq % trial.writers.length]
      equal(await writer?.append(CREW, commit(seq)), { appended: true }, `append of commit ${seq}`)
    }
    await trial.holds(commits(1, 6))
  },
  'refuses a number that is taken, and changes nothing': async (trial) => {
    await trial.fill(3)
    for (const seq of [1, 2, 3]) await trial.refuse(commit(seq, { id: 'other' }), `at ${seq}, which is taken`)
    await trial.holds(commits(1, 3))
  },
  'refuses a number that would leave a gap, and changes nothing': async (trial) => {
    await trial.open()
    await trial.refuse(commit(2), 'at 2 in an empty journal')
    await trial.refuse(commit(2, { prev: '' }), 'at 2 in an empty journal')
    await trial.append(commit(1))
    await trial.refuse(commit(3), 'at 3 behind 1')
    await trial.refuse(commit(3, { prev: 'c1' }), 'at 3 behind 1')
    await trial.refuse(commit(0, { prev: 'c1' }), 'at 0')
    await trial.holds([commit(1)])
  },
  'refuses a commit whose prev is not the id of the last one, and changes nothing': async (trial) => {
    await trial.open()
    await trial.refuse(commit(1, { prev: 'c0' }), 'as the first with a prev')
    await trial.append(commit(1))
    await trial.append(commit(2))
    for (const prev of ['', 'c1', 'c3', 'other']) await trial.refuse(commit(3, { prev }), `with prev '${prev}'`)
    await trial.holds(commits(1, 2))
    await trial.append(commit(3))
  },
  'compares ids character by character': async (trial) => {
    await trial.open()
    await trial.append(commit(1, { id: 'Stra\u00dfe-\u00e9' }))
    for (const prev of [
      'stra\u00dfe-\u00e9',
      'Strasse-\u00e9',
      'Stra\u00dfe-e\u0301',
      'Stra\u00dfe-e',
      'Stra\u00dfe-\u00e9 ',
    ])
      await trial.refuse(commit(2, { prev }), `with prev '${prev}' behind 'Stra\u00dfe-\u00e9'`)
    await trial.append(commit(2, { prev: 'Stra\u00dfe-\u00e9' }))
  },
  'refuses the same commit sent again, and keeps it once': async (trial) => {
    await trial.fill(2)
    await trial.refuse(commit(2), 'a second time')
    await trial.append(commit(3))
    await trial.refuse(commit(2), 'a second time')
    await trial.holds(commits(1, 3))
  },
  'hands over with a refusal, if anything, commits that are in the journal, in order': async (trial) => {
    await trial.fill(4)
    for (const writer of trial.writers) {
      const answer = await writer.append(CREW, commit(3, { id: 'other' }))
      const missed = answer.appended ? [] : (answer.missed ?? [])
      const from = missed[0]?.seq ?? 3
      assert(from <= 3, 'what was missed begins at the number that was refused, or before')
      equal(missed, commits(from, from + missed.length - 1), 'what was missed')
    }
  },
  'lets exactly one in of those who append the same number at the same time': async (trial) => {
    await trial.open()
    for (let seq = 1; seq <= 10; seq++) {
      const prev = (seq > 1 && (await newestId(trial.storage, seq - 1))) || ''
      const rivals = Array.from({ length: 8 }, (_, index) => commit(seq, { id: `c${seq}-${index}`, prev }))
      const answers = await Promise.all(
        rivals.map((next, index) => (trial.writers[index % trial.writers.length] ?? trial.storage).append(CREW, next)),
      )
      const winners = rivals.filter((_, index) => answers[index]?.appended)
      equal(winners.length, 1, `how many were told that they have number ${seq}`)
      for (const reader of trial.readers)
        equal(await newestId(reader, seq), winners[0]?.id, `whose commit ${seq} is in the journal`)
    }
  },
  'answers truly to appends that do not wait for each other': async (trial) => {
    await trial.open()
    const answers = await Promise.all(commits(1, 10).map((next) => trial.storage.append(CREW, next)))
    const stored = answers.filter(({ appended }) => appended).length
    await trial.holds(commits(1, stored))
    assert(
      answers.every(({ appended }, index) => appended === index < stored),
      'what was let in is a run from 1 on',
    )
  },
  'refuses a writer that slept: numbers that are trimmed are not free': async (trial) => {
    await trial.fill(6)
    await trial.storage.trim(CREW, 4)
    for (const seq of [1, 2, 3, 4, 5, 6]) {
      await trial.refuse(commit(seq), `again at ${seq}, after a trim to 4`)
      await trial.refuse(commit(seq, { id: 'other' }), `at ${seq}, after a trim to 4`)
    }
    await trial.holds([commit(5), commit(6)], 4)
    await trial.append(commit(7))
  },
  'keeps a copy: what the caller changes later does not reach it': async (trial) => {
    await trial.open()
    const mine = [clone(commit(1)), clone(commit(2))]
    for (const next of mine) await trial.append(next)
    for (const next of mine) spoil(next)
    await trial.holds(commits(1, 2))
  },
}

const reading: Cases = {
  'answers an unknown journal with an empty run': async (trial) => {
    for (const reader of trial.readers) {
      for (const after of [0, 1, 100])
        equal(await reader.read('nobody', after, 10), { commits: [] }, `read after ${after}`)
    }
  },
  'begins with the commit behind the given number': async (trial) => {
    await trial.fill(5)
    for (const after of [0, 1, 2, 3, 4]) await trial.holds(commits(after + 1, 5), after)
  },
  'is empty at the end and beyond it': async (trial) => {
    await trial.fill(3)
    for (const after of [3, 4, 1000]) await trial.holds([], after)
  },
  'brings no more than the limit, and no fewer while there are more': async (trial) => {
    await trial.fill(120)
    for (const reader of trial.readers) {
      for (const limit of [1, 2, 7, 100, 119, 120, 121, 1000]) {
        const run = await reader.read(CREW, 0, limit)
        equal(run, { commits: commits(1, Math.min(limit, 120)) }, `read of at most ${limit}`)
      }
      equal(await reader.read(CREW, 117, 2), { commits: commits(118, 119) }, 'read of 2 after 117')
    }
  },
  'brings every append acknowledged before the call, to every client': async (trial) => {
    await trial.open()
    for (let seq = 1; seq <= 20; seq++) {
      await trial.append(commit(seq))
      for (const reader of trial.readers)
        equal(await reader.read(CREW, seq - 1, 10), { commits: [commit(seq)] }, `read right after append of ${seq}`)
    }
  },
  'hands out copies: what one reader changes, no other sees': async (trial) => {
    await trial.fill(3)
    for (const reader of trial.readers) {
      const run = await reader.read(CREW, 0, 10)
      if ('commits' in run) run.commits.forEach(spoil)
      await trial.holds(commits(1, 3))
    }
  },
}

const trim: Cases = {
  'forgets the commits up to the number, and keeps the others as they were': async (trial) => {
    await trial.fill(6)
    await trial.storage.trim(CREW, 4)
    await trial.holds(commits(5, 6), 4)
    await trial.holds(commits(6, 6), 5)
  },
  'makes a run that begins in what is gone answer with the last number that is gone': async (trial) => {
    await trial.fill(6)
    await trial.storage.trim(CREW, 4)
    for (const reader of trial.readers) {
      for (const after of [0, 1, 2, 3])
        equal(await reader.read(CREW, after, 10), { trimmedTo: 4 }, `read after ${after}, trimmed to 4`)
    }
  },
  'never forgets the newest commit': async (trial) => {
    await trial.fill(3)
    for (const through of [3, 4, 1000, Number.MAX_SAFE_INTEGER]) {
      await trial.storage.trim(CREW, through)
      await trial.holds([commit(3)], 2)
    }
    await trial.append(commit(4))
    await trial.holds(commits(3, 4), 2)
  },
  'changes nothing when there is nothing to forget': async (trial) => {
    await trial.open()
    await trial.storage.trim(CREW, 5)
    await trial.append(commit(1))
    await trial.storage.trim(CREW, 1)
    await trial.holds([commit(1)])
    for (const seq of [2, 3, 4]) await trial.append(commit(seq))
    await trial.storage.trim(CREW, 2)
    for (const through of [0, 1, 2]) await trial.storage.trim(CREW, through)
    await trial.holds(commits(3, 4), 2)
  },
  'lets appends go on, and be trimmed again': async (trial) => {
    await trial.fill(4)
    for (let seq = 5; seq <= 12; seq++) {
      await trial.storage.trim(CREW, seq - 3)
      await trial.append(commit(seq))
      await trial.holds(commits(seq - 2, seq), seq - 3)
    }
  },
  'leaves other journals and the checkpoints alone': async (trial) => {
    await trial.fill(4)
    await trial.fill(4, 'other')
    await trial.storage.saveCheckpoint(CREW, checkpoint(2))
    await trial.storage.trim(CREW, 3)
    await trial.holds(commits(1, 4), 0, 'other')
    await trial.keeps([2])
  },
}

const checkpoints: Cases = {
  'has none until one is saved': async (trial) => {
    await trial.keeps([])
    await trial.fill(2)
    await trial.keeps([])
  },
  'brings back number, id, format and the parts in their order': async (trial) => {
    await trial.open()
    const parts = [
      '{"b":1,"a":"\\u0000 \\ud800 \u2028 \u{1f600}"}',
      '"x"',
      'null',
      '[]',
      '{\n  "lines": [1,\r\n2]\t}',
      '-0',
    ]
    await trial.storage.saveCheckpoint(CREW, checkpoint(7, parts, { id: 'seven', format: 3 }))
    for (const reader of trial.readers) {
      const kept = await reader.loadCheckpoint(CREW)
      equal([kept?.seq, kept?.id, kept?.format], [7, 'seven', 3], 'head of the checkpoint')
      equal(await partsOf(kept), parts, 'parts of the checkpoint')
    }
  },
  'keeps one without parts, and one with many': async (trial) => {
    await trial.open()
    const many = Array.from({ length: 500 }, (_, index) => JSON.stringify({ index, text: 'x'.repeat(index) }))
    await trial.storage.saveCheckpoint(CREW, checkpoint(1, []))
    await trial.storage.saveCheckpoint(CREW, checkpoint(2, many))
    for (const reader of trial.readers) {
      equal(await partsOf(await reader.loadCheckpoint(CREW)), many, 'many parts')
      equal(await partsOf(await reader.loadCheckpoint(CREW, 2)), [], 'no parts')
    }
  },
  'keeps the newest two': async (trial) => {
    await trial.open()
    for (const [seq, kept] of [
      [10, [10]],
      [20, [20, 10]],
      [30, [30, 20]],
      [41, [41, 30]],
    ] as const) {
      await trial.storage.saveCheckpoint(CREW, checkpoint(seq))
      await trial.keeps(kept)
    }
  },
  'keeps the parts of both': async (trial) => {
    await trial.open()
    for (const seq of [10, 20, 30]) await trial.storage.saveCheckpoint(CREW, checkpoint(seq))
    for (const reader of trial.readers) {
      equal(await partsOf(await reader.loadCheckpoint(CREW)), partsAt(30), 'parts of the newest')
      equal(await partsOf(await reader.loadCheckpoint(CREW, 30)), partsAt(20), 'parts of the one before')
    }
  },
  'answers `before` with a number strictly below': async (trial) => {
    await trial.open()
    for (const seq of [10, 20]) await trial.storage.saveCheckpoint(CREW, checkpoint(seq))
    for (const reader of trial.readers) {
      for (const [before, seq] of [
        [Infinity, 20],
        [21, 20],
        [20, 10],
        [11, 10],
        [10, undefined],
        [1, undefined],
      ] as const)
        equal((await reader.loadCheckpoint(CREW, before))?.seq, seq, `checkpoint before ${before}`)
    }
  },
  'takes one that is older than the newest, or of the same number, as no change': async (trial) => {
    await trial.open()
    for (const seq of [10, 20]) await trial.storage.saveCheckpoint(CREW, checkpoint(seq))
    for (const seq of [5, 10, 15, 20]) {
      await trial.storage.saveCheckpoint(CREW, checkpoint(seq, ['"late"'], { id: 'late' }))
      await trial.keeps([20, 10])
    }
    for (const reader of trial.readers) {
      const kept = await reader.loadCheckpoint(CREW)
      equal([kept?.id, await partsOf(kept)], ['c20', partsAt(20)], 'the newest checkpoint')
    }
  },
  'shows one only when all of its parts are there': async (trial) => {
    await trial.open()
    await trial.storage.saveCheckpoint(CREW, checkpoint(10))
    const second = gate<string>()
    async function* parts(): AsyncGenerator<string> {
      yield '"first"'
      yield await second.promise
    }
    const saving = trial.storage.saveCheckpoint(CREW, { ...checkpoint(20), parts: parts() })
    await pause(20)
    await trial.keeps([10])
    second.resolve('"second"')
    await saving
    await trial.keeps([20, 10])
  },
  'keeps nothing of one whose parts fail, and rejects': async (trial) => {
    await trial.open()
    await trial.storage.saveCheckpoint(CREW, checkpoint(10))
    async function* parts(): AsyncGenerator<string> {
      yield* partsAt(20)
      throw new Error('no more')
    }
    await rejects(trial.storage.saveCheckpoint(CREW, { ...checkpoint(20), parts: parts() }), 'a checkpoint that fails')
    await trial.keeps([10])
    await trial.storage.saveCheckpoint(CREW, checkpoint(20))
    await trial.keeps([20, 10])
  },
  'can be read on while the next one is saved': async (trial) => {
    await trial.open()
    await trial.storage.saveCheckpoint(CREW, checkpoint(10))
    for (const reader of trial.readers) {
      const kept = await reader.loadCheckpoint(CREW)
      await trial.storage.saveCheckpoint(CREW, checkpoint(20))
      equal(await partsOf(kept), partsAt(kept?.seq ?? 0), 'parts of the checkpoint loaded before')
    }
  },
  'belong to their journal': async (trial) => {
    await trial.open()
    await trial.open('other')
    await trial.storage.saveCheckpoint(CREW, checkpoint(10))
    await trial.keeps([], 'other')
    await trial.storage.saveCheckpoint('other', checkpoint(5))
    await trial.keeps([5], 'other')
    await trial.keeps([10])
  },
  'are no commits': async (trial) => {
    await trial.fill(2)
    await trial.storage.saveCheckpoint(CREW, checkpoint(2))
    await trial.holds(commits(1, 2))
    await trial.append(commit(3))
  },
}

/** Pairs that some engine or file system takes for one. */
const NAMES = [
  ...['crew', 'Crew', 'CREW', 'crew.', 'crew:', 'crew/', 'crew/a', 'crew@a', 'crew_a', 'crew-a', 'crew a', 'crew.a'],
  ...['.', '..', '/', '//', '../crew', './crew', 'crew.lock', 'crew.jsonl', 'con', 'nul', 'com1', 'aux.a', '-', '_'],
  ...['0', '1', '01', '1e3', 'null', 'undefined', '__proto__', 'constructor', 'toString', 'hasOwnProperty'],
  ...['a'.repeat(127), 'a'.repeat(128), `${'a'.repeat(127)}b`, 'A'.repeat(128), `${'@'.repeat(127)}a`, '@'.repeat(128)],
]

const names: Cases = {
  'are compared character by character, all that an id may be': async (trial) => {
    for (const [index, name] of NAMES.entries()) {
      await trial.open(name)
      await trial.append(commit(1, { id: `first of ${index}` }), name)
      await trial.storage.saveCheckpoint(name, checkpoint(index + 1))
    }
    for (const [index, name] of NAMES.entries()) {
      await trial.holds([commit(1, { id: `first of ${index}` })], 0, name)
      await trial.keeps([index + 1], name)
    }
  },
}

const bytes: Cases = {
  'come back as JSON has them, in texts, keys and numbers': async (trial) => {
    const texts = [
      ...['\u0000', 'a\u0000b', '\u0001\u001f\u007f\u0080', '\ud800', '\udc00\ud800', 'a\ud83d', '\u{1f600}\u{10ffff}'],
      ...[
        '"',
        '\\',
        '\\"',
        "'",
        '\n',
        '\r\n',
        '\t',
        '\u2028\u2029',
        '\ufeff',
        '\ufffe\uffff',
        ' a ',
        '',
        '%',
        '%s',
        '$1',
      ],
      ...[
        'e\u0301',
        '\u00e9',
        '\\u0000',
        '\\ud800',
        '["00000000",{}]',
        '{"seq":1}',
        '</script>',
        "'; drop table x; --",
      ],
    ]
    const numbers = [0, -1, 0.1, 5e-324, 1.7976931348623157e308, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 1e21, 1e-7]
    const keys = Object.fromEntries(texts.map((text, index) => [text, index]))
    const proto = JSON.parse('{"__proto__":{"a":1},"constructor":null,"toString":[]}') as Json
    await trial.open()
    const odd = [
      { texts },
      { numbers },
      { keys },
      { proto },
      { nested: nest(30) },
      { mixed: [true, false, null, {}, []] },
    ]
    const all = odd.map((changes, index) => commit(index + 1, { events: [event(index + 1, changes)] }))
    for (const next of all) await trial.append(next)
    await trial.holds(all)
  },
  'of ids come back too, and count in comparisons': async (trial) => {
    await trial.open()
    const id = '\u0000 "\\ \ud800 \u2028 \u{1f600}'
    await trial.append(commit(1, { id }))
    await trial.append(commit(2, { prev: id }))
    await trial.holds([commit(1, { id }), commit(2, { prev: id })])
  },
}

const limits: Cases = {
  'are declared': async ({ storage }) => {
    const { writers, maxCommitBytes: most } = storage
    assert(['one', 'many'].includes(writers), "writers is 'one' or 'many'")
    assert((Number.isSafeInteger(most) && most > 0) || most === Infinity, 'maxCommitBytes is a number of bytes')
  },
  'let a commit of maxCommitBytes in': async (trial) => {
    await trial.open()
    const largest = commitOf(largestOf(trial))
    await trial.append(largest)
    await trial.holds([largest])
    await trial.append(commit(2))
  },
  'reject a larger one with limit_exceeded and store nothing, or keep it whole': async (trial) => {
    if (trial.storage.maxCommitBytes === Infinity) return
    await trial.open()
    const larger = commitOf(trial.storage.maxCommitBytes + 1)
    const answer = await trial.storage.append(CREW, larger).catch((error: unknown) => error)
    if (CrewError.is(answer, 'limit_exceeded')) await trial.holds([])
    else {
      equal(answer, { appended: true }, 'answer to a commit over the limit')
      await trial.holds([larger])
    }
  },
  'let a part of a checkpoint of maxCommitBytes in': async (trial) => {
    await trial.open()
    const part = JSON.stringify('"'.repeat(8) + 'x'.repeat(largestOf(trial) - 18))
    await trial.storage.saveCheckpoint(CREW, checkpoint(1, [part, '"more"']))
    equal(await partsOf(await trial.storage.loadCheckpoint(CREW)), [part, '"more"'], 'parts of the checkpoint')
  },
}

const opening: Cases = {
  'adds nothing to a journal, nor does closing': async (trial) => {
    await trial.open()
    await trial.storage.close?.(CREW)
    await trial.holds([])
    await trial.open()
    await trial.append(commit(1))
    await trial.holds([commit(1)])
  },
  'is refused to a second writer, where there can be only one': async ({ storage, rival }) => {
    if (storage.writers === 'many' || !rival) return
    await storage.open?.(CREW)
    for (const second of [rival, storage]) {
      const error = await rejects(second.open?.(CREW), 'a second open', 'storage_unavailable')
      assert(error.retryable, 'the refusal is retryable')
    }
    equal(await storage.append(CREW, commit(1)), { appended: true }, 'append by the first')
    await storage.close?.(CREW)
    await rival.open?.(CREW)
    equal(await rival.append(CREW, commit(2)), { appended: true }, 'append by the second, after the first closed')
    await rival.close?.(CREW)
  },
  'one journal leaves the others free': async (trial) => {
    const { storage, rival } = trial
    await storage.open?.(CREW)
    await (rival ?? storage).open?.('other')
    equal(await (rival ?? storage).append('other', commit(1)), { appended: true }, 'append to the other journal')
    await storage.close?.(CREW)
    await (rival ?? storage).close?.('other')
  },
  'is not needed to read': async (trial) => {
    await trial.fill(3)
    await trial.storage.saveCheckpoint(CREW, checkpoint(3))
    for (const writer of trial.writers) await writer.close?.(CREW)
    await trial.holds(commits(1, 3))
    await trial.keeps([3])
  },
  'after a close goes on where it stopped': async (trial) => {
    await trial.fill(3)
    await trial.storage.trim(CREW, 1)
    for (const writer of trial.writers) await writer.close?.(CREW)
    await trial.open()
    await trial.holds(commits(2, 3), 1)
    await trial.refuse(commit(1), 'at a trimmed number')
    await trial.append(commit(4))
  },
  'is undone by close, twice as well as once, and before any open': async ({ storage }) => {
    await storage.close?.(CREW)
    await storage.open?.(CREW)
    await storage.close?.(CREW)
    await storage.close?.(CREW)
    await storage.open?.(CREW)
    await storage.close?.(CREW)
  },
}

const watching: Cases = {
  'wakes whoever watches, after an append by any client': async (trial) => {
    await trial.open()
    for (const [index, watcher] of trial.readers.entries()) {
      const woken = gate<true>()
      const off = watcher.watch?.(CREW, () => {
        woken.resolve(true)
      })
      if (!off) continue
      const writer = trial.writers.at(-1 - index) ?? trial.storage
      // One wake may be lost, hardly three.
      for (const seq of [1, 2, 3]) await writer.append(CREW, commit(index * 3 + seq))
      assert(await trial.soon(woken.promise), 'the watcher was woken')
      off()
    }
  },
  'ends when told so, for that watcher alone': async (trial) => {
    await trial.open()
    const wakes = [0, 0]
    let woken = (): void => undefined
    const wake = (index: number) => () => {
      wakes[index] = (wakes[index] ?? 0) + 1
      if (index === 1) woken()
    }
    const offs = wakes.map((_, index) => trial.storage.watch?.(CREW, wake(index)))
    if (!offs[0] || !offs[1]) return
    offs[0]()
    offs[0]()
    const before = wakes[0]
    const second = new Promise<void>((resolve) => {
      woken = resolve
    })
    for (const seq of [1, 2, 3]) await trial.append(commit(seq))
    await trial.soon(second)
    offs[1]()
    equal(wakes[0], before, 'wakes after the end of watching')
    assert((wakes[1] ?? 0) > 0, 'the other watcher is still woken')
  },
}

const leaving: Cases = {
  'a call whose signal has aborted ends it, and leaves the storage as usable as before': async (trial) => {
    await trial.fill(2)
    await trial.storage.saveCheckpoint(CREW, checkpoint(1))
    const options = { signal: AbortSignal.abort() }
    const { storage } = trial
    const ends = await trial.soon(
      Promise.allSettled([
        storage.read(CREW, 0, 10, options),
        storage.loadCheckpoint(CREW, undefined, options),
        storage.append(CREW, commit(3), options),
        storage.saveCheckpoint(CREW, checkpoint(2), options),
        storage.trim(CREW, 1, options),
        storage.open?.('other', options),
      ]),
    )
    assert(ends, 'all calls have ended')
    const run = await storage.read(CREW, 2, 10)
    const stored = 'commits' in run ? run.commits.length : 0
    if (ends[2].status === 'fulfilled') equal(ends[2].value.appended, stored === 1, 'the answer to the append')
    if (stored === 0) await trial.append(commit(3))
    await trial.holds([commit(3)], 2)
    await storage.close?.('other')
    await trial.open('other')
    await trial.append(commit(1), 'other')
  },
}

const CONCERNS: Readonly<Record<string, Cases>> = {
  append,
  read: reading,
  trim,
  checkpoints,
  names,
  bytes,
  limits,
  open: opening,
  watch: watching,
  signals: leaving,
}

// ---- what the cases are made of

const event = (seq: number, changes: JournalEvent['changes']): JournalEvent => ({
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

/** What to try where there is no limit. */
const LARGE_BYTES = 1024 * 1024

const largestOf = ({ storage }: Trial): number =>
  storage.maxCommitBytes === Infinity ? LARGE_BYTES : storage.maxCommitBytes

/** A first commit of so many bytes of UTF-8, most of them in characters of three. */
function commitOf(bytes: number): Commit {
  const of = (text: string): Commit => commit(1, { events: [event(1, { text })] })
  const left = bytes - utf8Bytes(commitText(of('')))
  return of('\u20ac'.repeat(Math.floor(left / 3)) + 'x'.repeat(left % 3))
}

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

async function newestId(reader: JournalStorage, seq: number): Promise<string | undefined> {
  const run = await reader.read(CREW, seq - 1, 10)
  return 'commits' in run && run.commits.length === 1 ? run.commits[0]?.id : undefined
}

const nest = (depth: number): Json => (depth > 0 ? { deeper: [nest(depth - 1)] } : 'end')

const clone = (value: Commit): Commit => JSON.parse(JSON.stringify(value)) as Commit

/** Changes all of a commit that can be changed; a frozen one cannot. */
function spoil(mine: Commit): void {
  const spoilt = mine as unknown as { id: string; events: { changes: Record<string, Json> }[] }
  const attempts = [
    () => (spoilt.id = 'spoilt'),
    () => (spoilt.events[0]!.changes['text'] = 'spoilt'),
    () => ((spoilt.events[0]!.changes['list'] as Json[])[0] = 'spoilt'),
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

function gate<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

const pause = (ms: number): Promise<undefined> =>
  new Promise((resolve) => {
    systemEnvironment.setTimer(
      () => {
        resolve(undefined)
      },
      ms,
      true,
    )
  })

// ---- assertions, so that any runner will do

function assert(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(`Not so: ${what}`)
}

function equal(actual: unknown, expected: unknown, what: string): void {
  if (sameJson(actual as Json, expected as Json)) return
  const show = (value: unknown): string => (value === undefined ? 'undefined' : JSON.stringify(value).slice(0, 1000))
  throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`)
}

async function rejects(call: Promise<unknown> | undefined, what: string, code?: CrewErrorCode): Promise<CrewError> {
  const error = await Promise.resolve(call).then(
    () => undefined,
    (thrown: unknown) => thrown as CrewError,
  )
  assert(error, `${what} rejects`)
  assert(!code || CrewError.is(error, code), `${what} rejects with ${code}, not ${error.code}: ${error.message}`)
  return error
}
