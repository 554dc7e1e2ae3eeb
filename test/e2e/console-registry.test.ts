import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { chromiumPath } from '../kit/console/browser.ts'
import { builtConsole, type SignedInPage, signedInPage } from '../kit/console/signed-in-page.ts'
import { eventually } from '../kit/eventually.ts'
import { type Herd, startHerd } from '../kit/herd.ts'
import { basic } from '../kit/registry-access.ts'
import { registryClient } from '../kit/registry-client.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { tempFolder } from '../kit/temp-folder.ts'

/** What is done in the console, at the services that obey it: a herd with one proxy, and a second cluster. */
const program = chromiumPath()
const inBrowser = program === undefined ? describe.skip : describe
if (program === undefined) process.stderr.write('a herd is not steered by the console: there is no chromium\n')

const stack = resourceStack()
let herd: Herd
let seen: SignedInPage

beforeAll(async () => {
  if (program === undefined) return
  builtConsole()
  const folder = stack.own(await tempFolder('given'))
  herd = stack.own(
    await startHerd({
      ...{ agents: 1, origins: 1, trackers: 1 },
      flags: [
        ...['manager.clusters.heartbeat=500ms', `proxy.registry.access.managed=${join(folder.path, 'given')}`],
      ].flatMap((set) => ['--set', set]),
    }),
  )
  seen = stack.own(await signedInPage(program, herd.signIn ?? ''))
}, 180_000)

afterAll(async () => stack[Symbol.asyncDispose]())

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const inDialog = (page: Page, name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true })
const goTo = (page: Page, path: string) => page.goto(`http://${herd.manager}${path}`)

/** The status of a log-in, and of the begin of a push, with a secret. */
async function answers(secret: string): Promise<readonly number[]> {
  const registry = registryClient(`http://${herd.proxy}`, { headers: basic('ann', secret) })
  const [login, push] = [await registry.send('GET', '/v2/'), await registry.send('POST', '/v2/team/a/blobs/uploads/')]
  return [login.status, push.status]
}

inBrowser('a user of registries who is made in the console', () => {
  test('logs in at the proxy with the secret that is shown, until he is disabled in the console', async () => {
    const { page, faults } = seen
    await goTo(page, '/registry-users')
    await button(page, 'New user or token').click()
    await page.getByLabel('Name').fill('ann')
    const grant = page.getByRole('group', { name: 'Grant 1' })
    await grant.getByLabel('Repository').fill('team/*')
    await grant.getByRole('checkbox', { name: 'push' }).check()
    await inDialog(page, 'Create').click()
    const secret = (await page.locator('.secret code').textContent()) ?? ''
    expect(secret).toMatch(/^shoal_reg_/)
    await eventually(async () => expect(await answers(secret)).toEqual([200, 202]))
    expect(await answers(`${secret}x`)).toEqual([401, 401])
    await inDialog(page, 'Close').click()

    await page.getByRole('link', { name: 'ann' }).click()
    await page.getByText('1 of one proxy has it').waitFor()
    await button(page, 'Disable').click()
    await page.locator('.facts').getByText('disabled', { exact: true }).waitFor()
    await eventually(async () => expect(await answers(secret)).toEqual([401, 401]))
    await page.reload()
    await button(page, 'Enable').waitFor()
    expect(await page.content()).not.toContain(secret)
    expect(faults).toEqual([])
  })
})

inBrowser('a relation that is made in the console', () => {
  test('is seen with its rules by who comes to its address, is paused, and is gone when it is removed', async () => {
    const { page, faults } = seen
    await goTo(page, '/clusters')
    await button(page, 'New cluster').click()
    await page.getByRole('dialog').getByLabel('Name').fill('attic')
    await inDialog(page, 'Create').click()
    await page.getByRole('heading', { name: 'attic', level: 1 }).waitFor()
    await goTo(page, '/relations')
    await button(page, 'New relation').click()
    await page.getByRole('combobox', { name: 'From', exact: true }).selectOption('herd')
    await page.getByRole('combobox', { name: 'To', exact: true }).selectOption('attic')
    await page.getByRole('group', { name: 'Rule 1' }).getByLabel('Repository').fill('team/*')
    await inDialog(page, 'Create').click()
    await page.getByRole('heading', { name: 'herd → attic', level: 1 }).waitFor()
    await page.reload()
    await page.getByText('team/*:*').waitFor()
    await button(page, 'Pause').click()
    await button(page, 'Resume').waitFor()
    await goTo(page, '/clusters')
    await page.getByRole('img', { name: 'herd → attic: paused' }).waitFor()
    await page.getByRole('link', { name: 'herd → attic' }).click()
    await button(page, 'Remove').click()
    await inDialog(page, 'Remove').click()
    await page.getByText('No relation').waitFor()
    expect(faults).toEqual([])
  })
})
