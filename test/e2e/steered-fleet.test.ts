import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { adminClient, agentAdmin, trackerAdmin } from '../../lib/api/index.ts'
import { chromiumPath } from '../kit/console/browser.ts'
import { builtConsole, type SignedInPage, signedInPage } from '../kit/console/signed-in-page.ts'
import { violationsOn } from '../kit/console/watched-page.ts'
import { eventually } from '../kit/eventually.ts'
import { cursedStore } from '../kit/manager/cursed-store.ts'
import { type SettingsManagerLab, settingsManagerLab } from '../kit/manager/settings-manager-lab.ts'
import { pushBlobOf } from '../kit/pushed-blob.ts'
import { disposableHttp } from '../kit/scripted-server.ts'
import { agingClock } from '../kit/shifted-clock.ts'
import { slowPull } from '../kit/slow-pull.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

const MIB = 1024 * 1024
const AGENTS = 20
/** Free bytes that nodes should keep: they take it, and then their pulls fail. */
const CURSE = 12_345
const agents = Array.from({ length: AGENTS }, (_, i) => `agent-${i + 1}`)

const program = chromiumPath()
const inBrowser = program === undefined ? test.skip : test
if (program === undefined) process.stderr.write('nobody steers from the console: there is no chromium on the PATH\n')

const http = disposableHttp()
afterAll(async () => http[Symbol.asyncDispose]())

/** 20 agents with a slow line, two trackers, and a manager that steers them. */
describe('a fleet of a manager', () => {
  let shoal: Topology
  let manager: SettingsManagerLab
  let seen: SignedInPage
  const all = { scope: 'all', kind: 'agent' }
  const reason = 'a test'
  const rollout = { steps: [{ hosts: 10 }, { percent: 100 }], soakSeconds: 600, minPulls: 10 }

  const runs = async (key: string): Promise<readonly unknown[]> =>
    Promise.all(
      agents.map(async (id) => {
        const { settings } = await adminClient(http, shoal.url(id, 'admin'), agentAdmin).settings({})
        return settings.find((each) => each.key === key)?.live
      }),
    )
  const ended = (id: string, halt: string) =>
    eventually(async () => expect(await manager.admin.rollout({ id })).toMatchObject({ state: 'rolledBack', halt }))
  const applied = () =>
    eventually(async () =>
      expect(await manager.admin.settingsApplied(all)).toMatchObject({ hosts: AGENTS, applied: AGENTS }),
    )

  beforeAll(async () => {
    const clock = agingClock()
    shoal = await startTopology({
      ...{ agents: AGENTS, origins: 1, trackers: 2, processes: [], trackerParts: () => ({ clock }) },
      overrides: ['agent.limits.download=64KiB/s'],
      more: (kind, id) => (kind === 'agent' ? { labels: { host: id } } : {}),
      agentParts: () => ({ wrapStore: cursedStore(({ minFreeBytes }) => minFreeBytes === CURSE) }),
    })
    const trackers = ['tracker-1', 'tracker-2'].map((id) => ({
      id,
      admin: adminClient(http, shoal.url(id, 'admin'), trackerAdmin),
    }))
    for (const { admin } of trackers)
      await eventually(async () => expect(await admin.statistics({})).toMatchObject({ listening: AGENTS }))
    clock.forward(75_000)
    const clusters = { clusters: () => [{ id: 'near', name: 'near', away: false }], trackers: () => trackers }
    manager = await settingsManagerLab(clusters, { config: { settings: { every: '100ms' } } })
    if (program === undefined) return
    builtConsole()
    seen = await signedInPage(program, manager.welcome)
  })
  afterAll(async () => {
    if (program !== undefined) await seen[Symbol.asyncDispose]()
    await manager[Symbol.asyncDispose]()
    await shoal[Symbol.asyncDispose]()
  })

  test('a running pull obeys a new limit of its host', async () => {
    const blob = await pushBlobOf(shoal, 'limited-blob', 8 * MIB)
    const pull = await slowPull(shoal.url('agent-1', 'registry') + blob.path)
    await pull.readTo(1)
    const body = { values: { 'limits.download': 'unlimited' }, reason }
    await manager.admin.setSettings({ scope: 'host:agent-1', kind: 'agent', body })
    expect(await pull.finish()).toBe(blob.digest)
    const { keys } = await manager.admin.settingsEffective({ cluster: 'near', host: 'agent-1' })
    expect(keys).toContainEqual({
      ...{ key: 'limits.download', value: 'unlimited', scope: 'host:agent-1', version: expect.any(Number) },
    })
  })

  test('a setting that hosts refuse, rolled out to 10 of 20, halts and is rolled back', async () => {
    await manager.admin.setSettings({ ...all, body: { values: { 'limits.download': '50MB/s' }, reason } })
    await applied()
    const body = { values: { 'limits.download': '50MB/s', 'store.capacity': 0 }, reason, rollout }
    const slot = await manager.admin.setSettings({ ...all, body })
    const id = slot.rollout?.id ?? ''
    await ended(id, 'HOSTS_REFUSE')
    const { history } = await manager.admin.rollout({ id })
    expect(history).toMatchObject([{ step: 1, look: { hosts: AGENTS } }])
    const { events } = await manager.admin.rolloutEvents({ id })
    expect(events.find(({ act }) => act === 'halt')?.look).toMatchObject({ hosts: 10 })
    await applied()
    expect(new Set(await runs('store.capacity')).size).toBe(1)
  })

  test('a setting under which pulls fail, rolled out to 10 of 20, halts and is rolled back', async () => {
    const blob = await pushBlobOf(shoal, 'many-times', MIB)
    await manager.admin.setSettings({ ...all, body: { values: { 'limits.download': '50MB/s' }, reason } })
    await applied()
    const before = await runs('store.minFree')
    const body = { values: { 'limits.download': '50MB/s', 'store.minFree': CURSE }, reason, rollout }
    const id = (await manager.admin.setSettings({ ...all, body })).rollout?.id ?? ''
    await eventually(async () =>
      expect((await manager.admin.rollout({ id })).history).toMatchObject([{ look: { hosts: 10, behind: 0 } }]),
    )
    expect((await runs('store.minFree')).filter((value) => value === CURSE)).toHaveLength(10)
    const statuses = await Promise.all(
      agents.map(async (agent) => {
        const answer = await fetch(shoal.url(agent, 'registry') + blob.path)
        await answer.arrayBuffer()
        return answer.status
      }),
    )
    expect(statuses.filter((status) => status >= 500)).toHaveLength(10)
    await ended(id, 'HEALTH_WORSE')
    const halt = (await manager.admin.rolloutEvents({ id })).events.find(({ act }) => act === 'halt')
    expect(halt?.look).toMatchObject({ hosts: 10, others: { errors: 0 }, comparison: 'worse' })
    await applied()
    expect(await runs('store.minFree')).toEqual(before)
  })

  inBrowser(
    'a running pull obeys a limit that somebody sets in the console, and what came before when he goes back',
    async () => {
      const { page, faults } = seen
      const host = { scope: 'host:agent-2', kind: 'agent' }
      const live = async () => {
        const { settings } = await adminClient(http, shoal.url('agent-2', 'admin'), agentAdmin).settings({})
        return settings.find(({ key }) => key === 'limits.download')?.live
      }
      const set = (values: object) => manager.admin.setSettings({ ...host, body: { values, reason } })
      const { latest: first } = await set({ 'limits.download': 'unlimited' })
      await set({ 'limits.download': '512KiB/s' })
      await eventually(async () => expect(await live()).toBe(512 * 1024))
      const blob = await pushBlobOf(shoal, 'slowed-blob', 16 * MIB)
      const [slowed, other] = await Promise.all(
        ['agent-2', 'agent-3'].map((id) => slowPull(shoal.url(id, 'registry') + blob.path)),
      )
      await slowed?.readTo(1)
      const [digest, others] = [slowed?.finish(), other?.finish()]

      await page.goto(new URL('/settings/host%3Aagent-2/agent?view=edit', manager.welcome).href)
      await page.getByRole('textbox', { name: 'limits.download' }).fill('1KiB/s')
      await page.getByRole('table', { name: 'What changes' }).getByText('512KiB/s').waitFor()
      await page.getByLabel('Reason').fill('too much for its line')
      const sinceMs = performance.now()
      await page.getByRole('button', { name: 'Save for all at once' }).click()
      await eventually(async () => expect(await live()).toBe(1024))
      const seconds = ((performance.now() - sinceMs) / 1000).toFixed(2)
      process.stderr.write(`a running pull obeyed the console after ${seconds} s\n`)
      await page.getByText('1 of 1').waitFor()
      await manager.admin.setSettings({
        scope: 'host:agent-3',
        kind: 'agent',
        body: { values: { 'limits.download': 'unlimited' }, reason },
      })
      expect(await others).toBe(blob.digest)
      expect(slowed?.size).toBeLessThan(blob.size)

      await page.getByRole('button', { name: 'Versions' }).click()
      const row = page.getByRole('table', { name: 'Versions' }).getByRole('row', { name: new RegExp(`^${first} `) })
      await row.getByRole('button', { name: 'Go back to it' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Go back to it' }).click()
      expect(await digest).toBe(blob.digest)
      expect(faults).toEqual([])
    },
  )

  inBrowser(
    'a bad setting, rolled out from the console to 10 of 20, is seen to halt and to be rolled back',
    async () => {
      const { page, faults } = seen
      await manager.admin.setSettings({ ...all, body: { values: { 'limits.download': '50MB/s' }, reason } })
      await applied()
      await page.goto(new URL('/settings/all/agent?view=edit', manager.welcome).href)
      await page.getByRole('textbox', { name: 'limits.download' }).fill('fast')
      await page.getByRole('checkbox', { name: 'store.capacity' }).check()
      await page.getByRole('textbox', { name: 'store.capacity' }).fill('0')
      await page.getByLabel('In steps, which halt').check()
      await page.getByLabel('Hosts that have it after each step').fill('10')
      await page.getByText('10 hosts → all').waitFor()
      await page.getByLabel('Reason').fill('a bad idea')
      const save = page.getByRole('button', { name: 'Save and roll out' })
      await save.click()
      await page.locator('.wrong').getByText('"fast" is not a rate').waitFor()
      await page.getByRole('textbox', { name: 'limits.download' }).fill('50MB/s')
      await save.click()
      await page.getByRole('heading', { name: /^Roll-out of version/ }).waitFor()
      await page.getByText('It has halted by itself').waitFor()
      await page.getByText('HOSTS_REFUSE').waitFor()
      await page.locator('.figures').getByText('rolled back').waitFor()
      const happened = page.getByRole('table', { name: 'What happened' })
      await happened.getByRole('row', { name: /halted.*Hosts say that they cannot apply it.*10 hosts/ }).waitFor()
      await happened.getByRole('row', { name: /is rolled back/ }).waitFor()
      await page.reload()
      await page.getByText('HOSTS_REFUSE').waitFor()
      expect(await violationsOn(page)).toEqual([])
      await applied()
      expect(new Set(await runs('store.capacity')).size).toBe(1)
      expect(faults).toEqual([])
    },
  )
})
