import { CrewError } from '../../core/errors.js'
import { type Commit, commitText } from '../../core/journal/journal-storage.js'
import { type Json, utf8Bytes } from '../../core/json.js'
import { assert, equal } from './assert.js'
import { checkpoint, commit, event, partsOf } from './samples.js'
import { type Cases, CREW, type Trial } from './trial.js'

export const bytes: Cases = {
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

export const limits: Cases = {
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
    else if (answer instanceof Error) throw answer
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

const nest = (depth: number): Json => (depth > 0 ? { deeper: [nest(depth - 1)] } : 'end')

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
