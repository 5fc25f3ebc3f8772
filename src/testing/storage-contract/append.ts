import type { JournalStorage } from '../../core/journal/journal-storage.js'
import { assert, equal } from './assert.js'
import { clone, commit, commits, spoil } from './samples.js'
import { type Cases, CREW } from './trial.js'

export const append: Cases = {
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

async function newestId(reader: JournalStorage, seq: number): Promise<string | undefined> {
  const run = await reader.read(CREW, seq - 1, 10)
  return 'commits' in run && run.commits.length === 1 ? run.commits[0]?.id : undefined
}
