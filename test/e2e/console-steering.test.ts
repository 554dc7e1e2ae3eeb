import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Browser, Page, Request } from 'playwright-core'
import { consoleFolder } from '../../services/manager/console-files.ts'
import { chromiumPath, startBrowser } from '../kit/console/browser.ts'
import { type Act, everyAct, type Recorded, type Stage, startStage } from '../kit/console/console-stage.ts'
import { builtConsole } from '../kit/console/signed-in-page.ts'
import { openPage } from '../kit/console/watched-page.ts'
import { resourceStack } from '../kit/resource-stack.ts'

/** What the pages of users of registries and of relations send, on recorded answers. */
const program = chromiumPath()
const inBrowser = program === undefined ? describe.skip : describe
if (program === undefined) process.stderr.write('what the console sends is not tested: there is no chromium\n')

const stack = resourceStack()
const acts = await everyAct()
let browser: Browser
let stage: Stage

/** A page in one of its states, with some answers in place of those that were recorded. */
function act(name: string, answers: Readonly<Record<string, Recorded>> = {}): Act {
  const found = acts.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no act ${name}`)
  return { ...found, answers: { ...found.answers, ...answers } }
}

beforeAll(async () => {
  if (program === undefined) return
  builtConsole()
  stage = stack.own(await startStage({ console: consoleFolder() }))
  browser = await startBrowser(program)
  stack.own({ [Symbol.asyncDispose]: () => browser.close() })
}, 120_000)

afterAll(async () => stack[Symbol.asyncDispose]())

const SECRET = 'shoal_reg_9fKx2mQ7LtVb3ZcR'
const secret = (page: Page) => page.getByText(SECRET)
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true })
const dialog = (page: Page) => page.getByRole('dialog')
const inDialog = (page: Page, name: string) => dialog(page).getByRole('button', { name, exact: true })
const sent = (page: Page, method: string) => page.waitForRequest((request) => request.method() === method)
/** The page's next change, and what it was based on. */
const seenOf = async (request: Promise<Request>) => (await request).headers()['if-match']
/** The entity tag of what is at a path. */
const tagOf = (page: Page, path: string) =>
  page.evaluate<string>(`fetch('${path}').then((answer) => answer.headers.get('etag'))`)
const changed = {
  status: 412,
  body: { error: { code: 'CHANGED_MEANWHILE', message: 'somebody was faster', detail: {} } },
}
const readsOnly: Recorded = {
  body: {
    ...{ name: 'user:linus', kind: 'user', roles: ['reader'], hasPassword: true },
    grants: [
      { resource: 'rights', action: 'read' },
      { resource: 'clusters', action: 'read' },
    ],
  },
}

inBrowser('the page of users of registries', () => {
  test('makes one as it is filled in, and shows its secret this once', async () => {
    await using opened = await openPage(browser, stage, act('registryUsers.full'))
    const { page, faults } = opened
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await button(page, 'New user or token').click()
    await page.getByLabel('Name').fill('ann')
    await page.getByRole('radio', { name: 'token' }).check()
    const first = page.getByRole('group', { name: 'Grant 1' })
    await first.getByLabel('Repository').fill('team/*, lib/base')
    await first.getByRole('checkbox', { name: 'push' }).check()
    await button(page, 'One more grant').click()
    await page.getByRole('group', { name: 'Grant 2' }).getByLabel('Repository').fill('*')
    await page.getByRole('radio', { name: 'some' }).check()
    await page.getByRole('checkbox', { name: 'fra' }).check()
    await page.getByRole('radio', { name: 'at a time' }).check()
    await page.getByLabel('Ends').fill('2033-05-18T03:33')
    await page.getByLabel('Note').fill('hers')
    await expect(opened.violations()).resolves.toEqual([])
    const post = sent(page, 'POST')
    await inDialog(page, 'Create').click()
    expect((await post).postDataJSON()).toEqual({
      ...{ name: 'ann', kind: 'token', clusters: ['fra'], note: 'hers' },
      expiresAtMs: await page.evaluate("new Date('2033-05-18T03:33').getTime()"),
      grants: [
        { repositories: ['team/*', 'lib/base'], actions: ['pull', 'push'] },
        { repositories: ['*'], actions: ['pull'] },
      ],
    })
    await secret(page).waitFor()
    await expect(opened.violations()).resolves.toEqual([])
    await button(page, 'Copy').click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(SECRET)
    await page.keyboard.press('Escape')
    await dialog(page).waitFor({ state: 'detached' })
    await secret(page).waitFor({ state: 'detached' })
    expect(faults).toEqual([])
  })

  test('says what is missing, where it is missing, and sends nothing', async () => {
    await using opened = await openPage(browser, stage, act('registryUsers.empty'))
    const { page } = opened
    const posts: string[] = []
    page.on('request', (request) => request.method() === 'POST' && posts.push(request.url()))
    const says = async (text: string) => {
      await inDialog(page, 'Create').click()
      await page.getByText(text).waitFor()
    }
    await button(page, 'New user or token').click()
    await says('Give it a name.')
    await page.getByLabel('Name').fill('ann')
    await says('Say for each grant which repositories')
    await page.getByRole('group', { name: 'Grant 1' }).getByLabel('Repository').fill('team/*')
    await page.getByRole('radio', { name: 'some' }).check()
    await says('Choose at least one cluster.')
    await page.getByRole('radio', { name: 'all' }).check()
    await page.getByRole('radio', { name: 'at a time' }).check()
    await says('Say when it ends.')
    await expect(opened.violations()).resolves.toEqual([])
    expect(posts).toEqual([])
  })
})

inBrowser('the page of one user of registries', () => {
  const path = '/api/v1/registry-users/ann'

  test('changes only what was changed, of what was seen', async () => {
    await using opened = await openPage(browser, stage, act('registryUser.full'))
    const { page } = opened
    await button(page, 'Edit').click()
    const tag = await tagOf(page, path)
    await page.getByRole('button', { name: 'Remove Grant 2' }).click()
    await page.getByRole('checkbox', { name: 'lab' }).check()
    await expect(opened.violations()).resolves.toEqual([])
    const patch = sent(page, 'PATCH')
    await inDialog(page, 'Save').click()
    expect((await patch).postDataJSON()).toEqual({
      grants: [{ repositories: ['team/*', 'lib/base'], actions: ['pull', 'push'] }],
      clusters: ['ams', 'fra', 'lab'],
    })
    expect([await seenOf(patch), new URL((await patch).url()).pathname]).toEqual([tag, path])
    await dialog(page).waitFor({ state: 'hidden' })
  })

  test('disables it, and says when somebody else was faster', async () => {
    const shown = act('registryUser.full', { [`PATCH ${path}`]: changed })
    await using opened = await openPage(browser, stage, shown)
    const { page } = opened
    const patch = sent(page, 'PATCH')
    await button(page, 'Disable').click()
    expect((await patch).postDataJSON()).toEqual({ disabled: true })
    expect(await seenOf(patch)).toMatch(/^"[0-9a-f]+"$/)
    await page.getByText('CHANGED_MEANWHILE').waitFor()
    await page.getByText('Load it again, and then change it.').waitFor()
  })

  test('gives another secret after a question, and shows it this once', async () => {
    await using opened = await openPage(browser, stage, act('registryUser.full'))
    const { page } = opened
    await button(page, 'New secret').click()
    const post = sent(page, 'POST')
    await inDialog(page, 'New secret').click()
    expect(new URL((await post).url()).pathname).toBe(`${path}/secret`)
    expect(await seenOf(post)).toMatch(/^"[0-9a-f]+"$/)
    await secret(page).waitFor()
    await page.goto(`${stage.url}/registry-users/ann`)
    await page.getByRole('table', { name: 'Proxies' }).waitFor()
    expect(await secret(page).count()).toBe(0)
  })

  test('removes it after a question, and leads to the others', async () => {
    await using opened = await openPage(browser, stage, act('registryUser.full'))
    const { page } = opened
    await button(page, 'Remove').click()
    const request = sent(page, 'DELETE')
    await inDialog(page, 'Remove').click()
    expect(new URL((await request).url()).pathname).toBe(path)
    expect(await seenOf(request)).toMatch(/^"[0-9a-f]+"$/)
    await page.getByRole('heading', { name: 'Registry users', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'bob' }).waitFor()
  })
})

inBrowser('the pages of relations', () => {
  const id = '7c1fae09b2d84e65'
  const path = `/api/v1/relations/${id}`

  test('make one as it is filled in, and lead to it', async () => {
    await using opened = await openPage(browser, stage, act('relations.full'))
    const { page, faults } = opened
    await button(page, 'New relation').click()
    await inDialog(page, 'Create').click()
    await page.getByText('Choose two different clusters.').waitFor()
    await page.getByRole('combobox', { name: 'From', exact: true }).selectOption('ams')
    await page.getByRole('combobox', { name: 'To', exact: true }).selectOption('fra')
    const rule = page.getByRole('group', { name: 'Rule 1' })
    await rule.getByLabel('Repository').fill('team/*')
    await rule.getByLabel('Tag').fill('v*')
    await button(page, 'One more window').click()
    await page.getByRole('group', { name: 'Window 1' }).getByLabel('Begins').fill('21:30')
    await page.getByLabel('At most MiB in a second').fill('50')
    await page.getByLabel('A tag that is deleted').check()
    await expect(opened.violations()).resolves.toEqual([])
    const post = sent(page, 'POST')
    await inDialog(page, 'Create').click()
    expect((await post).postDataJSON()).toEqual({
      ...{ from: 'ams', to: 'fra', rules: [{ repository: 'team/*', tag: 'v*' }], bandwidth: 52_428_800 },
      ...{ windows: [{ from: '21:30', to: '06:00' }], concurrency: 4, signatures: true, deletes: true, note: '' },
    })
    await page.getByRole('heading', { name: 'ams → fra', level: 1 }).waitFor()
    expect(new URL(page.url()).pathname).toBe(`/relations/${id}`)
    expect(faults).toEqual([])
  })

  test('are filtered by a cluster, also after a reload', async () => {
    await using opened = await openPage(browser, stage, act('relations.full'))
    const { page } = opened
    const asked = page.waitForRequest(/api\/v1\/relations\?.*cluster=fra/)
    await page.getByRole('combobox', { name: 'Cluster' }).selectOption('fra')
    await asked
    const again = page.waitForRequest(/api\/v1\/relations\?.*cluster=fra/)
    await page.reload()
    await again
    await page.getByRole('option', { name: 'fra' }).waitFor({ state: 'attached' })
    expect(await page.getByRole('combobox', { name: 'Cluster' }).inputValue()).toBe('fra')
  })

  test('change, pause and remove one of what was seen', async () => {
    await using opened = await openPage(browser, stage, act('relation.full'))
    const { page } = opened
    await button(page, 'Edit').click()
    await page.getByLabel('At most MiB in a second').fill('')
    await expect(opened.violations()).resolves.toEqual([])
    const edit = sent(page, 'PATCH')
    const tag = await tagOf(page, path)
    await inDialog(page, 'Save').click()
    expect((await edit).postDataJSON()).toEqual({ bandwidth: null })
    expect(await seenOf(edit)).toBe(tag)
    await dialog(page).waitFor({ state: 'hidden' })
    const pause = sent(page, 'PATCH')
    await button(page, 'Pause').click()
    expect((await pause).postDataJSON()).toEqual({ isPaused: true })
    expect(await seenOf(pause)).toBe(tag)
    await button(page, 'Remove').click()
    stage.show(act('relations.full', act('relation.full').answers))
    const removal = sent(page, 'DELETE')
    await inDialog(page, 'Remove').click()
    expect(new URL((await removal).url()).pathname).toBe(path)
    expect(await seenOf(removal)).toBe(tag)
    await page.getByRole('heading', { name: 'Relations', level: 1 }).waitFor()
  })

  test('show from which cluster to which in a picture that also says it in words', async () => {
    await using opened = await openPage(browser, stage, act('clusters.full'))
    const { page } = opened
    const picture = page.getByRole('img', { name: /ams → fra/ })
    expect(await picture.getAttribute('aria-label')).toBe(
      'ams → fra: goes; fra → ams: paused; ams → lab: does not answer; fra → archive: not known yet',
    )
    expect(await picture.locator('line').count()).toBe(4)
    expect(await picture.locator('circle').count()).toBe(4)
    await page.getByRole('link', { name: 'ams → lab' }).waitFor()
    await page.getByRole('row', { name: /^fra → archive .* in the config of the build-indexes$/ }).waitFor()
  })
})

inBrowser('who may only look', () => {
  test.each([
    ['registryUsers.full', 'New user or token'],
    ['registryUser.full', 'Edit'],
    ['relations.full', 'New relation'],
    ['relation.full', 'Edit'],
  ] as const)('sees %s without "%s" or any other act', async (name, text) => {
    await using writer = await openPage(browser, stage, act(name))
    await button(writer.page, text).waitFor()
    await using opened = await openPage(browser, stage, act(name, { 'GET /api/v1/me': readsOnly }))
    const { page } = opened
    await page.locator('main table').last().waitFor()
    const buttons = await page.locator('main').getByRole('button').allTextContents()
    expect(buttons.filter((each) => !/page/.test(each))).toEqual([])
  })
})
