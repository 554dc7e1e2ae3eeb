import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser } from 'playwright-core'
import type { WholeSwarm } from '../../lib/api/index.ts'
import { consoleFolder } from '../../services/manager/console-files.ts'
import type { SwarmDelta } from '../../services/manager/views/swarm-delta.ts'
import { chromiumPath, startBrowser } from '../kit/console/browser.ts'
import { type Act, everyAct, type Stage, startStage } from '../kit/console/console-stage.ts'
import { builtConsole } from '../kit/console/signed-in-page.ts'
import { type Look, openPage, shownOn, type WatchedPage } from '../kit/console/watched-page.ts'
import { eventually } from '../kit/eventually.ts'
import { resourceStack } from '../kit/resource-stack.ts'

/**
 * The console in a real browser: its own files, answers that were recorded. Each page in each of its states: nothing that
 * the rules of accessibility forbid, in light and dark, English and Chinese.
 */
const program = chromiumPath()
const inBrowser = program === undefined ? describe.skip : describe
if (program === undefined) process.stderr.write('the console is not tested: there is no chromium on the PATH\n')

/** Far more than a page needs on a busy machine. */
const LOOK_MS = 20_000

const stack = resourceStack()
const acts = await everyAct()
let browser: Browser
let stage: Stage

const looks: readonly Look[] = [
  { colours: 'light', language: 'en' },
  { colours: 'dark', language: 'zh' },
  { colours: 'light', language: 'zh', width: 360 },
  { colours: 'dark', language: 'en', width: 360 },
]

/** Elements that stand out of a narrow page. */
const tooWide = `[...document.querySelectorAll('body *')].filter((each) =>
  each.getBoundingClientRect().right > innerWidth + 1 && each.closest('.scroll, .side, dialog') === null).map((each) => each.outerHTML.slice(0, 120))`

/** Waits until a page shows what its state is to show. */
async function settled({ page }: Pick<WatchedPage, 'page'>, { name, shows }: Act): Promise<void> {
  if (name.endsWith('.failed')) await page.getByRole('alert').first().waitFor()
  if (name.endsWith('.loading')) await page.locator('.bones').first().waitFor()
  if (shows !== undefined)
    await eventually(async () => expect(await shownOn(page, shows)).toEqual(shows), { timeoutMs: LOOK_MS })
}

const act = (name: string): Act => {
  const found = acts.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no act ${name}`)
  return found
}

beforeAll(async () => {
  builtConsole()
  if (program === undefined) return
  stage = stack.own(await startStage({ console: consoleFolder() }))
  browser = await startBrowser(program)
}, 120_000)

afterAll(async () => {
  if (program !== undefined) await browser.close()
  await stack[Symbol.asyncDispose]()
})

describe('the console as it is built', () => {
  test('is below 120 KB in all, as it is sent', async () => {
    const names = await readdir(consoleFolder(), { recursive: true, withFileTypes: true })
    const files = names.filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => gzipSync(await readFile(join(parentPath, name))).length),
    )
    expect(sizes.length).toBeGreaterThanOrEqual(4)
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(120 * 1024)
  })
})

inBrowser('the console', () => {
  test.each(acts.map((each, i) => [each.name, each, looks[i % looks.length] ?? {}] as const))(
    '%s: everybody can use it, and it asks nobody else',
    async (_name, each, look) => {
      await using opened = await openPage(browser, stage, each, look)
      const { page, faults } = opened
      await settled(opened, each)
      await expect(opened.violations()).resolves.toEqual([])
      expect(await page.evaluate(tooWide)).toEqual([])
      expect(faults).toEqual([])
      expect(stage.unknown).toEqual([])
    },
  )

  test('a failure says what, by which code, what to do, and the number of the request', async () => {
    await using opened = await openPage(browser, stage, act('nodes.failed'))
    const text = (await opened.page.getByRole('alert').textContent()) ?? ''
    expect(text).toContain('no member of the cluster answers')
    expect(text).toContain('NO_HEALTHY_MEMBER')
    expect(text).toContain('Look at the members of the cluster')
    expect(text).toMatch(/request \S{8,}/)
  })

  test('an address with filters shows the same after a reload', async () => {
    await using opened = await openPage(browser, stage, act('swarms.full'))
    const { page } = opened
    await page.getByLabel('State').selectOption('starving')
    await page.getByLabel('Digest begins with').fill('sha256:ab')
    await page.getByLabel('Digest begins with').press('Enter')
    const asked = page.waitForRequest(/api\/v1\/swarms\?.*state=starving.*digest=sha256%3Aab/)
    await page.reload()
    await asked
    await expect(page.getByLabel('State').inputValue()).resolves.toBe('starving')
    await expect(page.getByLabel('Digest begins with').inputValue()).resolves.toBe('sha256:ab')
  })

  test('keys lead everywhere: search, help, pages', async () => {
    await using opened = await openPage(browser, stage, act('overview.full'))
    const { page } = opened
    await page.getByRole('table', { name: 'Clusters' }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    stage.show(act('nodes.full'))
    await page.keyboard.press('g')
    await page.keyboard.press('n')
    await page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor()
    stage.show(act('image.full'))
    await page.keyboard.press('/')
    await page.keyboard.type('team/app:1.4.0')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'team/app', level: 1 }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/images/team%2Fapp')
    await page.goBack()
    await page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor()
  })

  test('the first stop of the keyboard skips the menu, and the focus is seen', async () => {
    await using opened = await openPage(browser, stage, act('audit.full'))
    const { page } = opened
    await page.locator('table').waitFor()
    await page.keyboard.press('Tab')
    await page.locator('a.skip:focus').waitFor()
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
  })

  test('a swarm moves as its events come, and a table says the same', async () => {
    const shown = act('swarm.full')
    const events = Object.values(shown.answers).flatMap((answer) => answer.events ?? [])
    const [, delta] = events.find(([name]) => name === 'delta') ?? []
    const { swarm, gone } = delta as SwarmDelta
    const [, whole] = events.find(([name]) => name === 'whole') ?? []
    await using opened = await openPage(browser, stage, shown)
    const { page } = opened
    await page.locator('canvas').waitFor()
    const figures = page.locator('dl.figures').first()
    await figures.getByText(String(swarm.seeds), { exact: true }).waitFor()
    const pixels = `(() => { const c = document.querySelector('canvas'); return new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size })()`
    await page.waitForFunction(`${pixels} > 20`)
    await page.getByRole('button', { name: 'Table' }).click()
    await page.locator('table').first().waitFor()
    expect(new URL(page.url()).search).toBe('?view=table')
    expect(await page.locator('table').first().locator('tbody tr').count()).toBe(
      (whole as WholeSwarm).peers.length - gone.length,
    )
  })

  test('a token is shown once, and can be copied', async () => {
    await using opened = await openPage(browser, stage, act('tokens.full'))
    const { page } = opened
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'New token' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('tool')
    await page.getByRole('dialog').getByRole('checkbox').first().check()
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText('shoal-pat-9fKx2mQ7LtVb3ZcR').waitFor()
    await expect(opened.violations()).resolves.toEqual([])
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('shoal-pat-9fKx2mQ7LtVb3ZcR')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await page.getByText('shoal-pat-9fKx2mQ7LtVb3ZcR').waitFor({ state: 'detached' })
  })

  test('the text of a one-time link leaves the address, and goes out in a body only', async () => {
    await using opened = await openPage(browser, stage, act('welcome.new'))
    const { page } = opened
    await page.getByLabel('Password').waitFor()
    expect(page.url()).toBe(`${stage.url}/welcome`)
    const sent = page.waitForRequest(/links\/open/)
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Create the account' }).click()
    expect((await sent).postDataJSON()).toEqual({
      link: '0a1b2c3d4e5f',
      name: 'ada',
      password: 'correct horse battery',
    })
  })

  test('who is not signed in comes to the sign-in, and from there to where he wanted to go', async () => {
    const { answers } = act('signIn.full')
    const nodes = act('nodes.full')
    const me = nodes.answers['GET /api/v1/me'] ?? {}
    await using opened = await openPage(browser, stage, { ...nodes, answers })
    const { page } = opened
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('a wrong password')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('SIGN_IN_FAILED').waitFor()
    stage.show({ answers: { ...nodes.answers, 'POST /api/v1/sign-in': me } })
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor()
    expect(new URL(page.url()).search).toBe('?cluster=ams')
  })
})
