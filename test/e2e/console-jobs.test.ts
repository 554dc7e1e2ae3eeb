import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { adminClient, trackerAdmin } from '../../lib/api/index.ts'
import { seededRandom } from '../../lib/base/index.ts'
import { consoleFolder } from '../../services/manager/console-files.ts'
import { pushImage } from '../contract/registry/running-registry.ts'
import { chromiumPath, startBrowser } from '../kit/console/browser.ts'
import { type Act, everyAct, type Stage, startStage } from '../kit/console/console-stage.ts'
import { builtConsole, signedInPage } from '../kit/console/signed-in-page.ts'
import { openPage } from '../kit/console/watched-page.ts'
import { eventually } from '../kit/eventually.ts'
import { type Herd, startHerd } from '../kit/herd.ts'
import { type FixtureImage, imageFixture } from '../kit/image-fixture.ts'
import { registryClient } from '../kit/registry-client.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { disposableHttp } from '../kit/scripted-server.ts'
import { counterAt } from '../kit/topology.ts'

const program = chromiumPath()
const inBrowser = program === undefined ? describe.skip : describe
if (program === undefined) process.stderr.write('jobs in the console are not tested: there is no chromium\n')

/** Two clicks before the page can answer the first one. */
const startTwice = `(() => { const start = [...document.querySelectorAll('button')].find((each) => each.textContent.trim() === 'Start')
  start.click(); start.click() })()`
const images = (page: Page) => page.getByRole('textbox', { name: /^Images/ })

const stack = resourceStack()
const acts = await everyAct()
let browser: Browser

const act = (name: string): Act => {
  const found = acts.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no act ${name}`)
  return found
}

beforeAll(async () => {
  if (program === undefined) return
  builtConsole()
  browser = await startBrowser(program)
  stack.own({ [Symbol.asyncDispose]: () => browser.close() })
}, 120_000)

afterAll(async () => stack[Symbol.asyncDispose]())

inBrowser('the form of a job', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = stack.own(await startStage({ console: consoleFolder() }))
  })

  /** Jobs that the page gives from now on. */
  function givenBy(page: Page): unknown[] {
    const given: unknown[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/api/v1/jobs')) given.push(request.postDataJSON())
    })
    return given
  }

  test('sends one key for two clicks, and a job for what its address says', async () => {
    await using opened = await openPage(browser, stage, act('newJob.full'))
    const { page, faults } = opened
    const given = givenBy(page)
    await page.getByLabel('Platforms').fill('linux/amd64, linux/arm64')
    await page.getByLabel('a share').check()
    await page.getByLabel('Per cent of the hosts').fill('50')
    await page.getByRole('checkbox', { name: 'ams', checked: true }).waitFor()
    await page.evaluate(startTwice)
    await page.getByRole('heading', { name: 'preheat', level: 1 }).waitFor()
    const key = (given[0] as { key: string }).key
    const job = { kind: 'preheat', clusters: ['ams'], targets: ['team/app:1.4.1'], scope: 'agents', percent: 50 }
    expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(given).toEqual([1, 2].map(() => ({ ...job, platforms: ['linux/amd64', 'linux/arm64'], key })))
    expect(faults).toEqual([])
  })

  test('keeps credentials out of addresses, of the history and of what browsers keep', async () => {
    await using opened = await openPage(browser, stage, act('newJob.full'))
    const { page } = opened
    const given = givenBy(page)
    const urls: string[] = []
    page.on('request', (request) => urls.push(request.url()))
    await page.getByLabel('User of the registry').fill('robot')
    const password = page.getByLabel('Password of the registry')
    await password.fill('horse-battery-7731')
    expect(await password.getAttribute('autocomplete')).toBe('off')
    await password.focus()
    expect(await page.evaluate('getComputedStyle(document.activeElement).webkitTextSecurity')).toBe('disc')
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByRole('heading', { name: 'preheat', level: 1 }).waitFor()
    expect(given).toMatchObject([{ credentials: { username: 'robot', password: 'horse-battery-7731' } }])
    const kept =
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, document.documentElement.outerHTML])'
    expect(urls.join() + page.url() + String(await page.evaluate(kept))).not.toContain('horse-battery')
    await page.goBack()
    await page.getByLabel('Password of the registry').waitFor()
    expect(await page.getByLabel('Password of the registry').inputValue()).toBe('')
  })

  test('has what is removed typed before', async () => {
    await using opened = await openPage(browser, stage, act('newJob.again'))
    const { page } = opened
    const given = givenBy(page)
    await page.getByRole('button', { name: 'Start' }).click()
    const dialog = page.getByRole('dialog')
    const start = dialog.getByRole('button', { name: 'Start' })
    await dialog.getByLabel('Type it here').fill('team/old')
    expect(await start.isDisabled()).toBe(true)
    await expect(opened.violations()).resolves.toEqual([])
    await dialog.getByLabel('Type it here').fill('team/old:0.9')
    await start.click()
    await page.getByRole('heading', { name: 'preheat', level: 1 }).waitFor()
    expect(given).toMatchObject([{ kind: 'delete', targets: ['team/old:0.9'] }])
  })

  test('says what is missing, where it is missing, and sends nothing', async () => {
    await using opened = await openPage(browser, stage, act('newJob.empty'))
    const { page } = opened
    const given = givenBy(page)
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByText('Say which images or files.').waitFor()
    await images(page).fill('team/app:1')
    await page.getByRole('radio', { name: 'agents' }).check()
    await page.getByRole('radio', { name: 'named ones' }).check()
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByText('Name at least one host.').waitFor()
    await expect(opened.violations()).resolves.toEqual([])
    expect(given).toEqual([])
  })

  test('a schedule is paused as it is now, and deleted after a question', async () => {
    await using opened = await openPage(browser, stage, act('schedules.full'))
    const { page } = opened
    const sent = page.waitForRequest((request) => request.method() === 'PUT')
    await page.getByRole('button', { name: 'Pause nightly' }).click()
    expect((await sent).postDataJSON()).toEqual({
      ...{ cron: '0 3 * * *', timeZone: 'Asia/Shanghai', overlap: false, enabled: false },
      job: { kind: 'preheat', targets: ['team/app:stable', 'team/api:stable'], scope: 'agents', percent: 50 },
    })
    const removed = page.waitForRequest((request) => request.method() === 'DELETE')
    await page.getByRole('button', { name: 'Delete sweep' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    expect(new URL((await removed).url()).pathname).toBe('/api/v1/schedules/sweep')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
  })
})

inBrowser('a job of a herd', () => {
  let herd: Herd
  let image: FixtureImage
  beforeAll(async () => {
    const sets = ['agent.limits.download=1MB/s', 'tracker.fleet.gather=0s', 'manager.jobs.look=100ms']
    herd = stack.own(
      await startHerd({
        ...{ agents: 3, origins: 1, trackers: 1 },
        flags: [...sets, 'manager.clusters.heartbeat=500ms'].flatMap((set) => ['--set', set]),
      }),
    )
    image = imageFixture(seededRandom(11), [900_000, 800_000, 700_000, 600_000])
    await pushImage(registryClient(`http://${herd.proxy}`), 'team/app', image, ['1.0'])
    const http = stack.own(disposableHttp())
    const tracker = adminClient(http, `http://${herd.trackerAdmins[0] ?? ''}`, trackerAdmin)
    await eventually(async () => expect(await tracker.statistics({})).toMatchObject({ listening: 3 }))
  }, 120_000)

  /** All values that the first bar of the page shows, from its begin on. */
  const watchBar = `(() => { window.shown = []; new MutationObserver(() => {
    const bar = document.querySelector('[role=progressbar]')
    if (bar !== null) window.shown.push(Number(bar.getAttribute('aria-valuenow')))
  }).observe(document.body, { subtree: true, childList: true, attributes: true }) })()`

  /** Bytes of blobs that came to agents and left origins. */
  const moved = async () => {
    const came = herd.agentOps.map((ops) => counterAt(`http://${ops}/metrics`, 'shoal_received_bytes_total'))
    const cached = herd.agentOps.map((ops) =>
      counterAt(`http://${ops}/metrics`, 'shoal_received_bytes_total', 'from="cache"'),
    )
    const left = herd.originOps.map((ops) => counterAt(`http://${ops}/metrics`, 'shoal_sent_bytes_total'))
    const sum = (all: readonly number[]) => all.reduce((a, b) => a + b, 0)
    return sum(await Promise.all(came)) - sum(await Promise.all(cached)) + sum(await Promise.all(left))
  }

  test('is given from the page of an image, moves until its end, and then every agent has it without asking anybody', async () => {
    await using seen = await signedInPage(program ?? '', herd.signIn ?? '')
    const { page, faults } = seen
    await page.goto(`http://${herd.manager}/images/team%2Fapp`)
    await page.getByRole('link', { name: 'Preheat' }).first().click()
    await images(page).waitFor()
    expect(await images(page).inputValue()).toBe('team/app:1.0')
    expect(await page.getByRole('radio', { name: 'agents' }).isChecked()).toBe(true)
    await page.evaluate(watchBar)
    await page.getByRole('button', { name: 'Start' }).click()
    const rows = page.getByRole('table', { name: 'Hosts and blobs' }).locator('tbody tr')
    await rows.filter({ hasText: 'done' }).nth(2).waitFor()
    await page.getByText('ended', { exact: true }).waitFor()
    expect(await rows.count()).toBe(3)
    const shown = await page.evaluate<readonly number[]>('window.shown')
    expect(shown.filter((value) => value > 0 && value < 100)).not.toEqual([])
    expect(shown.at(-1)).toBe(100)

    await page.reload()
    await rows.nth(2).waitFor()
    await page.getByText('ended', { exact: true }).waitFor()
    expect(faults).toEqual([])

    const before = await moved()
    for (const agent of herd.agents)
      for (const { digest, bytes } of image.layers) {
        const answer = await fetch(`http://${agent}/v2/team/app/blobs/${digest}`)
        expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
      }
    expect((await moved()) - before).toBe(0)

    await page.goto(`http://${herd.manager}/`)
    await page.locator('.figure', { hasText: 'Nodes' }).getByText('4', { exact: true }).waitFor()
  })
})
