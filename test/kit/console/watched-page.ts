import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Act, Shown, Stage } from './console-stage.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
}

export interface Look {
  readonly colours?: 'light' | 'dark'
  readonly language?: 'en' | 'zh'
  readonly width?: number
}

/** A page in the browser, and everything that it should not do. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page
  /** Errors on its console, and requests to anywhere but the stage. */
  readonly faults: readonly string[]
  /** Violations of the rules of accessibility, now. */
  violations(): Promise<readonly string[]>
}

/** The browser itself notes each answer that is an error; those were recorded. */
const isRecorded = (text: string) => text.startsWith('Failed to load resource: the server responded with a status of')

const dressed = new WeakMap<Browser, Map<string, Promise<BrowserContext>>>()

/** Pages that look the same share their cookies and what they keep: to make that anew takes longer than a page. */
function contextFor(browser: Browser, { colours = 'light', language = 'en', width = 1280 }: Look) {
  const known = dressed.get(browser) ?? new Map<string, Promise<BrowserContext>>()
  dressed.set(browser, known)
  const key = `${colours}/${language}/${width}`
  const make = async () => {
    const viewport = { width, height: 900 }
    const context = await browser.newContext({ viewport, colorScheme: colours, reducedMotion: 'reduce' })
    await context.addInitScript(`localStorage.setItem('shoal.language', '${language}')`)
    return context
  }
  const context = known.get(key) ?? make()
  known.set(key, context)
  return context
}

/** Violations of the rules of accessibility on a page, now. */
export async function violationsOn(page: Page): Promise<readonly string[]> {
  const found = await page.evaluate<readonly Violation[]>(
    `(async () => { if (!window.axe) { ${axe} }\n return (await axe.run({ resultTypes: ['violations'] })).violations })()`,
  )
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}

/** What is on a page: its text with what stands in its fields, the rows of its tables, what says that there is nothing. */
const seenOn = `(() => {
  const main = document.querySelector('main') ?? document.body
  const fields = [...main.querySelectorAll('input, textarea, select')].map((each) => each.value)
  const rows = [...main.querySelectorAll('tbody')].map((each) => each.querySelectorAll(':scope > tr').length)
  return { text: [main.textContent, ...fields].join(' '), rows, notes: main.querySelectorAll('.note').length }
})()`

/** What a page says of what it is to show: the words that it has, and the rows of its tables. */
export async function shownOn(page: Page, { texts }: Pick<Shown, 'texts'>): Promise<Shown> {
  const { text, ...seen } = await page.evaluate<Omit<Shown, 'texts'> & { readonly text: string }>(seenOn)
  return { ...seen, texts: texts.filter((each) => text.includes(each)) }
}

/** Opens a page of the console in one state, and waits until it shows something. */
export async function openPage(browser: Browser, stage: Stage, act: Act, look: Look = {}): Promise<WatchedPage> {
  stage.show(act)
  const page = await (await contextFor(browser, look)).newPage()
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !isRecorded(message.text())) faults.push(message.text())
  })
  page.on('pageerror', (err) => faults.push(String(err)))
  page.on('request', (request) => {
    if (!request.url().startsWith(`${stage.url}/`)) faults.push(`asked ${request.url()}`)
  })
  await page.goto(stage.url + act.page, { waitUntil: 'commit' })
  await page.locator('h1').first().waitFor()
  return {
    page,
    faults,
    violations: () => violationsOn(page),
    [Symbol.asyncDispose]: () => page.close(),
  }
}
