import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { buildResource } from '../resource-stack.ts'
import { startBrowser } from './browser.ts'

const root = join(import.meta.dirname, '..', '..', '..')

/** Builds the console, unless it is built. */
export function builtConsole(): void {
  const build = "import('./services/cli/build-console.js').then((m) => m.buildConsoleIfNeeded(process.cwd()))"
  execFileSync(process.execPath, ['-e', build], { cwd: root, stdio: 'ignore' })
}

export interface SignedInPage extends AsyncDisposable {
  readonly page: Page
  /** Errors on its console. */
  readonly faults: readonly string[]
}

/** A browser in which somebody has made himself the first admin of a manager, by its link. */
export const signedInPage = (program: string, welcome: string): Promise<SignedInPage> =>
  buildResource(async (stack) => {
    const browser = await startBrowser(program)
    stack.own({ [Symbol.asyncDispose]: () => browser.close() })
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' })
    await context.addInitScript("localStorage.setItem('shoal.language', 'en')")
    const page = await context.newPage()
    const faults: string[] = []
    page.on('pageerror', (err) => faults.push(String(err)))
    page.on('console', (message) => {
      if (message.type() === 'error' && message.text().includes('Content Security Policy')) faults.push(message.text())
    })
    await page.goto(welcome)
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Create the account' }).click()
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    return { page, faults }
  })
