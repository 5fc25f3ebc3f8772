// What it costs to keep a journal in the IndexedDB of Chromium, whose profile is a folder made in TMPDIR. Run it with
// `npm run bench:indexeddb`, behind `npm run build`.
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright'
// @ts-expect-error a script without types
import { bundle as untypedBundle } from '../scripts/bundle.mjs'
// @ts-expect-error a script without types
import { CHROMIUM_ARGS, findChromium } from '../scripts/chromium.mjs'
import type { Bench } from './indexeddb-page.js'

const ORIGIN = 'https://bench.test'
const LARGE = 1000
/** Tasks that are created in a commit each. */
const ALONE = Number(process.argv[2] ?? 10_000)

const bundle = untypedBundle as (program: object, from: 'default') => Promise<{ readonly code: string }>
const { code } = await bundle({ entryPoints: ['bench/indexeddb-page.ts'] }, 'default')
const profile = await mkdtemp(join(tmpdir(), 'crewlog-bench-'))
const executablePath = (findChromium as () => string)()
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  args: CHROMIUM_ARGS as string[],
})
await context.route(`${ORIGIN}/**`, (route) =>
  route.fulfill({ contentType: 'text/html', body: `<script type="module">${code}</script>` }),
)

/** Calls a method of the page, in a new one, so that nothing is known from before. */
async function call<Name extends keyof Bench>(
  name: Name,
  ...given: Parameters<Bench[Name]>
): Promise<Awaited<ReturnType<Bench[Name]>>> {
  const page: Page = await context.newPage()
  await page.goto(`${ORIGIN}/`)
  const answer = await page.evaluate(`bench.${name}(...${JSON.stringify(given)})`)
  await page.close()
  return answer as Awaited<ReturnType<Bench[Name]>>
}

const number = (value: number): string => Math.round(value).toLocaleString('en')
const row = (...cells: readonly string[]): void => {
  console.log(`| ${cells.join(' | ')} |`)
}

try {
  console.log(`Chromium ${context.browser()?.version() ?? ''}, ${String(availableParallelism())} cores\n`)
  row('durability', 'commands', 'tasks/s', 'commits/s')
  row('---', '---', '---', '---')
  for (const durability of ['strict', 'relaxed'] as const) {
    for (const [name, count, atOnce] of [
      ['alone', 1000, 1],
      ['many', 20_000, LARGE],
    ] as const) {
      const { spent, commits } = await call('create', `${durability} ${name}`, durability, count, atOnce)
      row(
        durability,
        atOnce === 1 ? 'one by one' : `${number(atOnce)} at once`,
        number(count / spent),
        number(commits / spent),
      )
    }
  }

  console.log()
  row('crew', 'open from the journal', 'write a checkpoint', 'longest wait of a timer meanwhile', 'open from it')
  row('---', '---', '---', '---', '---')
  for (const [count, atOnce] of [
    [ALONE, 1],
    [10_000, LARGE],
    [100_000, LARGE],
  ] as const) {
    const name = `${count}/${atOnce}`
    const { commits } = await call('create', name, 'relaxed', count, atOnce)
    const journal = await call('open', name)
    const { spent, longest } = await call('checkpoint', name)
    const checkpoint = await call('open', name)
    if (journal.tasks !== count || checkpoint.tasks !== count) throw new Error('Not all tasks are there')
    row(
      `${number(count)} tasks in ${number(commits)} commits`,
      `${journal.spent.toFixed(2)} s`,
      `${spent.toFixed(2)} s`,
      `${longest.toFixed(0)} ms`,
      `${checkpoint.spent.toFixed(2)} s`,
    )
  }
} finally {
  await context.close()
  await rm(profile, { recursive: true, force: true })
}
