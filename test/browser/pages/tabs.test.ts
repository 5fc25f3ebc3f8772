import { type BrowserContext, chromium, type Page } from 'playwright'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
// @ts-expect-error a script without types
import { bundle as untypedBundle } from '../../../scripts/bundle.mjs'
import type { Tab } from './tab.js'

// A guard is what a line of the source keeps from happening. Each was taken out once, and the test that names it in a
// comment was seen to fail.

const TABS = Number(process.env['CREWLOG_TABS'] ?? 2)
const TASKS = Number(process.env['CREWLOG_TASKS'] ?? 600)

const ORIGIN = 'https://app.test'
const bundle = untypedBundle as (program: object, from: 'default') => Promise<{ readonly code: string }>
const { code } = await bundle({ entryPoints: ['test/browser/pages/tab.ts'] }, 'default')
const browser = await chromium.connect(process.env['CREWLOG_BROWSER'] ?? '')
afterAll(() => browser.close())

let contexts: BrowserContext[] = []
afterEach(async () => {
  await Promise.all(contexts.map((context) => context.close()))
  contexts = []
})

/** A profile of a browser, where `ORIGIN` is the app; `headers` are those of its page. */
async function newProfile(headers: Readonly<Record<string, string>> = {}): Promise<BrowserContext> {
  const context = await browser.newContext()
  contexts.push(context)
  await context.route(`${ORIGIN}/tab.js`, (route) =>
    route.fulfill({ contentType: 'text/javascript', headers: { 'access-control-allow-origin': '*' }, body: code }),
  )
  await context.route(`${ORIGIN}/`, (route) =>
    route.fulfill({ contentType: 'text/html', headers, body: '<script type="module" src="/tab.js"></script>' }),
  )
  return context
}

type Call = <Name extends keyof Tab>(
  name: Name,
  ...given: Parameters<Tab[Name]>
) => Promise<Awaited<ReturnType<Tab[Name]>>>

/** Opens the app in one more tab of that profile. */
async function newTab(context: BrowserContext): Promise<{ readonly page: Page; readonly call: Call }> {
  const page = await context.newPage()
  await page.goto(`${ORIGIN}/`)
  const call: Call = (name, ...given) => page.evaluate(`tab.${name}(...${JSON.stringify(given)})`)
  return { page, call }
}

describe('tabs of one browser on one crew', () => {
  it('create and claim at once, and each task is done once', { timeout: 600_000 }, async () => {
    const context = await newProfile()
    const tabs = await Promise.all(Array.from({ length: TABS }, () => newTab(context)))
    for (const [index, { call }] of tabs.entries()) {
      expect(await call('open')).toBe('done')
      expect(await call('join', `member ${index}`)).toBe('done')
    }
    await Promise.all(tabs.map(({ call }) => call('sync')))
    await Promise.all(
      tabs.map(async ({ call }, index) => {
        await call('work', `member ${index}`)
        const batches = Array.from({ length: TASKS / TABS / 10 }, (_, batch) =>
          Array.from({ length: 10 }, (_, at) => `${index}.${batch}.${at}`),
        )
        for (const batch of batches) expect(await call('create', ...batch)).toBe('done')
      }),
    )
    await Promise.all(tabs.map(({ call }) => call('sync')))
    for (const { call } of tabs) expect(await call('idle')).toBe('done')
    const facts = await Promise.all(tabs.map(({ call }) => call('facts')))
    const done = facts.flatMap((fact) => fact.done)
    expect(done).toHaveLength(TASKS)
    expect(new Set(done).size).toBe(TASKS)
    for (const fact of facts) expect(fact).toMatchObject({ completed: TASKS, errors: [] })
    console.log(`done by each tab: ${facts.map((fact) => fact.done.length).join(', ')}`)
    // Nobody is left out: at least half of a fair share, in the long run. Of a few hundred tasks that says nothing.
    const least = TASKS >= 10_000 ? TASKS / TABS / 2 : 0
    expect(Math.min(...facts.map((fact) => fact.done.length))).toBeGreaterThan(least)
    expect(await tabs[0]?.call('check')).toEqual([])
  })

  // Guard: the postMessage of `tell`.
  it('wake each other without polling', async () => {
    const context = await newProfile()
    const [here, there] = [await newTab(context), await newTab(context)]
    for (const { call } of [here, there]) expect(await call('open', { polls: false })).toBe('done')
    for (const [index, [from, to]] of [
      [here, there],
      [there, here],
      [here, there],
    ].entries()) {
      const sent = Date.now()
      expect(await from!.call('create', `task ${index}`)).toBe('done')
      await to!.page.waitForFunction(`'task ${index}' in tab.facts().seen`)
      const { seen } = await to!.call('facts')
      expect(seen[`task ${index}`]! - sent).toBeLessThan(2000)
    }
  })

  it('go on when one of them is closed in the middle of its work', async () => {
    const context = await newProfile()
    const [here, there] = [await newTab(context), await newTab(context)]
    for (const [id, { call }] of [
      ['ana', here],
      ['bo', there],
    ] as const) {
      expect(await call('open', { leaseMs: 1000 })).toBe('done')
      expect(await call('join', id)).toBe('done')
    }
    const tasks = Array.from({ length: 30 }, (_, index) => `task ${index}`)
    expect(await here.call('create', ...tasks)).toBe('done')
    await there.call('sync')
    await there.call('work', 'bo', 300)
    await there.page.waitForFunction('tab.facts().done.length > 0')
    await there.page.close()
    await here.call('work', 'ana')
    // Those of the tab that was closed come back once their lease has run out.
    await here.page.waitForFunction('tab.facts().completed === 30')
    expect(await here.call('facts')).toMatchObject({ errors: [] })
    expect(await here.call('check')).toEqual([])
  })

  it('find the crew again after all were closed, by its checkpoint', async () => {
    const context = await newProfile()
    const first = await newTab(context)
    await first.call('open')
    await first.call('create', 'kept', 'as well')
    expect(await first.call('checkpoint')).toBe('done')
    await first.call('create', 'and this')
    await first.page.close()
    const second = await newTab(context)
    expect(await second.call('open')).toBe('done')
    expect(await second.call('facts')).toMatchObject({ tasks: ['kept', 'as well', 'and this'] })
  })
})

describe('a browser', () => {
  it('that upgrades the database for a newer tab leaves the older one readable, with what to do (SA-28)', async () => {
    const context = await newProfile()
    const [old, newer] = [await newTab(context), await newTab(context)]
    await old.call('open')
    await old.call('create', 'made before')
    const upgraded = await newer.page.evaluate(`new Promise((resolve) => {
      const request = indexedDB.open('app', 2)
      request.onblocked = () => resolve('blocked')
      request.onsuccess = () => resolve('upgraded')
    })`)
    expect(upgraded).toBe('upgraded')
    await old.page.waitForFunction('tab.facts().errors.length > 0')
    expect(await old.call('create', 'made after')).toMatch(/^read_only: .*reload this page/)
    expect(await old.call('facts')).toMatchObject({
      tasks: ['made before'],
      errors: [expect.stringContaining('upgraded by a newer release') as unknown],
    })
    expect(await newer.call('open')).toMatch(/^unsupported_version: .*reload this page/)
  })

  it('that clears the data of the site leaves an empty crew that goes on (SA-27)', async () => {
    const context = await newProfile()
    const { page, call } = await newTab(context)
    await call('open')
    await call('create', 'made before')
    const devtools = await context.newCDPSession(page)
    await devtools.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'indexeddb' })
    await page.waitForFunction('tab.facts().tasks.length === 0')
    expect(await call('create', 'made after')).toBe('done')
    expect(await call('facts')).toMatchObject({ tasks: ['made after'] })
    expect(await call('check')).toEqual([])
  })

  it('that has no room left refuses what is too large for it, and nothing else (SA-29)', async () => {
    const context = await newProfile()
    const { page, call } = await newTab(context)
    const devtools = await context.newCDPSession(page)
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN, quotaSize: 500_000 })
    await call('open')
    await call('create', 'made before')
    const large = 'x'.repeat(200_000)
    expect(await call('create', large, `${large}2`, `${large}3`)).toMatch(
      /^limit_exceeded: No room for database app .*nothing was stored/,
    )
    expect(await call('create', 'made after')).toBe('done')
    expect(await call('facts')).toMatchObject({ tasks: ['made before', 'made after'], errors: [] })
    expect(await call('check')).toEqual([])
  })

  it('that keeps nothing for a page in a sandbox says so at opening (SA-29)', async () => {
    const { call } = await newTab(await newProfile({ 'content-security-policy': 'sandbox allow-scripts' }))
    expect(await call('open')).toMatch(/^storage_unavailable: The browser does not open database app \(SecurityError/)
  })
})
