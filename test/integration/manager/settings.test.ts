import { describe, expect, test } from '@jest/globals'
import type { AnswerOf, managerApi } from '../../../lib/api/index.ts'
import { fakeClock } from '../../../lib/base/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { settingsManagerLab } from '../../kit/manager/settings-manager-lab.ts'
import { simulatedFleet } from '../../kit/manager/simulated-fleet.ts'

const slow = { 'limits.download': '1MB/s' }
const quick = { 'limits.download': '90MB/s' }
const to = (scope: string) => ({ scope, kind: 'agent' })
const reason = 'a test'

/** A manager of one cluster of three hosts, one of which refuses what is quick. */
async function start() {
  const clock = fakeClock()
  const refuses = (values: object) => JSON.stringify(values) === JSON.stringify(quick)
  const fleet = simulatedFleet({ clock, clusters: { near: 3 }, refuses })
  const lab = await settingsManagerLab(fleet, { clock })
  return {
    ...{ ...lab, fleet, clock },
    /** Time for the manager and for the hosts, until `check` passes: the database has a time of its own. */
    pass: (check: () => unknown) =>
      eventually(async () => {
        await clock.advance(5_000)
        fleet.live()
        await check()
      }),
  }
}

const applied = async ({ admin }: Awaited<ReturnType<typeof start>>) =>
  expect(await admin.settingsApplied(to('all'))).toMatchObject({ hosts: 3, applied: 3, behind: 0, refused: 0 })

describe('settings at a manager', () => {
  test('are set, shown, compared, and applied by hosts', async () => {
    await using it = await start()
    const first = await it.admin.setSettings({ ...to('all'), body: { values: slow, reason } })
    const second = await it.admin.setSettings({ ...to('all'), body: { values: { ...slow, log: 'debug' }, reason } })
    await it.pass(() =>
      expect(it.fleet.hosts.map(({ values }) => values)).toEqual(Array(3).fill({ ...slow, log: 'debug' })),
    )
    await it.pass(() => applied(it))
    const diff = await it.admin.settingsDiff({ from: String(first.latest), to: 'all/agent' })
    expect(diff).toEqual({ changes: [{ key: 'log', change: 'added', to: 'debug' }] })
    expect(await it.admin.settingVersion({ version: String(second.latest) })).toMatchObject({ reason, kind: 'agent' })
    const { versions } = await it.admin.settingVersions({ ...to('all'), n: '1' })
    expect(versions.map(({ version }) => version)).toEqual([second.latest])
    expect((await it.admin.settings({})).settings).toHaveLength(1)
    const { trackers } = await it.admin.steeredTrackers({})
    expect(trackers.map(({ state }) => state)).toEqual(['current', 'current'])
  })

  test('say which hosts do not have them, and why', async () => {
    await using it = await start()
    await it.admin.setSettings({ ...to('all'), body: { values: slow, reason } })
    await it.pass(() => applied(it))
    await it.admin.setSettings({ ...to('host:near-host-1'), body: { values: quick, reason } })
    const where = to('host:near-host-1')
    await it.pass(async () => {
      const seen = await it.admin.settingsApplied(where)
      expect(seen).toMatchObject({ hosts: 1, refused: 1, codes: { SETTING_INVALID: 1 } })
    })
    const { hosts } = await it.admin.settingsBehind(where)
    expect(hosts).toEqual([expect.objectContaining({ host: 'near-host-1', state: 'failed', code: 'SETTING_INVALID' })])
  })

  test('of a host name the scope and the version that each key comes from', async () => {
    await using it = await start()
    const all = await it.admin.setSettings({ ...to('all'), body: { values: { ...quick, log: 'info' }, reason } })
    const cluster = await it.admin.setSettings({ ...to('cluster:near'), body: { values: slow, reason } })
    await it.admin.setSettings({ ...to('cluster:near'), body: { values: slow, reason } }).catch(() => undefined)
    const again = await it.admin.setSettings({ ...to('all'), body: { values: { ...quick, log: 'info' }, reason } })
    expect(again.latest).toBeGreaterThan(cluster.latest)
    const { keys, host } = await it.admin.settingsEffective({ cluster: 'near', host: 'near-host-0' })
    expect(host).toMatchObject({ host: 'near-host-0', state: expect.any(String), generation: expect.any(Number) })
    expect(keys).toEqual([
      { key: 'limits.download', value: '1MB/s', scope: 'cluster:near', version: expect.any(Number) },
      { key: 'log', value: 'info', scope: 'all', version: again.latest },
    ])
    expect(all.latest).toBeLessThan(again.latest)
    const scope = await it.admin.settingsEffective({ cluster: 'near' })
    expect(scope).toEqual({ keys })
  })

  test.each([
    ['an unknown key', { 'limits.donwload': '1MB/s' }, { 'limits.donwload': 'did you mean limits.download' }],
    ['a wrong value', { 'limits.download': 'fast' }, { 'limits.download': '"fast" is not a rate' }],
    ['all wrong values', { log: 'loud', 'scrub.rate': 1 }, { log: 'Invalid option', 'scrub.rate': 'expected string' }],
  ])('%s is refused, and says which and why', async (_, values, keys: Record<string, string>) => {
    await using it = await start()
    const set = it.admin.setSettings({ ...to('all'), body: { values, reason } })
    const wrong = Object.entries(keys).map(([key, what]) => [key, expect.stringContaining(what)])
    await expect(set).rejects.toMatchObject({
      ...{ code: 'BODY_INVALID', message: expect.stringContaining(Object.keys(keys)[0] ?? '-') },
      detail: { keys: Object.fromEntries(wrong) },
    })
  })

  test.each([
    ['nowhere', 'REQUEST_INVALID'],
    ['cluster:nowhere', 'CLUSTER_UNKNOWN'],
  ])('the scope %s is refused', async (scope, code) => {
    await using it = await start()
    const set = it.admin.setSettings({ ...to(scope), body: { values: slow, reason } })
    await expect(set).rejects.toMatchObject({ code })
  })

  test('whoever changes what he takes to be there is told that nothing is', async () => {
    await using it = await start()
    const answer = await it.http.request({
      ...{ method: 'PUT', url: `${it.url}/api/v1/settings/scopes/all/agent` },
      headers: { 'content-type': 'application/json', 'if-match': '*' },
      body: Buffer.from(JSON.stringify({ values: slow, reason })),
    })
    await answer.discard()
    expect(answer.status).toBe(412)
    expect((await it.admin.settings({})).settings).toEqual([])
  })

  test('of two who change the same, the one who has not seen the other is told', async () => {
    await using it = await start()
    await it.admin.setSettings({ ...to('all'), body: { values: slow, reason } })
    const url = `${it.url}/api/v1/settings/scopes/all/agent`
    const seen = await it.http.request({ method: 'GET', url })
    const tag = String(seen.headers['etag'])
    await seen.discard()
    const put = async (values: object) => {
      const answer = await it.http.request({
        ...{ method: 'PUT', url, headers: { 'content-type': 'application/json', 'if-match': tag } },
        body: Buffer.from(JSON.stringify({ values, reason })),
      })
      await answer.discard()
      return answer.status
    }
    expect([await put({ log: 'info' }), await put({ log: 'debug' })]).toEqual([201, 412])
  })

  test('have a schema for each kind of service, for whoever makes a form of it', async () => {
    await using it = await start()
    const { kinds } = await it.admin.settingsSchema({})
    expect(Object.keys(kinds).toSorted()).toEqual(['agent', 'build-index', 'origin', 'tracker'])
    const rule = { properties: { digests: { maxItems: 1000 } }, required: ['name'] }
    const blocks = { type: 'array', maxItems: 200, items: rule }
    expect(kinds['agent']).toMatchObject({
      properties: { 'limits.download': { type: 'string' }, 'pulls.blocks': blocks },
    })
  })

  test('that are lists are one value: they are compared, and set, as a whole', async () => {
    await using it = await start()
    const block = (name: string) => ({ name, repositories: ['a/*'] })
    const first = await it.admin.setSettings({
      ...to('all'),
      body: { values: { 'pulls.blocks': [block('a')] }, reason },
    })
    const values = { 'pulls.blocks': [block('a'), block('b')], 'pulls.clientMax': 'high' }
    await it.admin.setSettings({ ...to('all'), body: { values, reason } })
    const { changes } = await it.admin.settingsDiff({ from: String(first.latest), to: 'all/agent' })
    expect(changes).toEqual([
      { key: 'pulls.blocks', change: 'changed', from: [block('a')], to: [block('a'), block('b')] },
      { key: 'pulls.clientMax', change: 'added', to: 'high' },
    ])
  })

  test('are taken over from another manager by an explicit call', async () => {
    await using it = await start()
    it.fleet.hold('near-tracker-0', { manager: 'another', generation: 9, layers: [] })
    await it.admin.setSettings({ ...to('all'), body: { values: slow, reason } })
    const states = async () =>
      (await it.admin.steeredTrackers({})).trackers.map(({ state, manager }) => [state, manager])
    await it.pass(async () =>
      expect(await states()).toEqual([
        ['foreign', 'another'],
        ['current', expect.any(String)],
      ]),
    )
    await it.admin.takeOverTrackers({ cluster: 'near', body: { reason: 'it is gone' } })
    await it.pass(async () => expect((await states()).map(([state]) => state)).toEqual(['current', 'current']))
    expect((await it.admin.audit({})).audit[0]).toMatchObject({ action: 'settings.takeOver', target: 'near' })
  })
})

describe('a roll-out at a manager', () => {
  type Rollout = AnswerOf<typeof managerApi.rollout>

  test('that halts is seen with its numbers and its history, and is rolled back', async () => {
    await using it = await start()
    await it.admin.setSettings({ ...to('all'), body: { values: slow, reason } })
    await it.pass(() => applied(it))
    const rollout = { steps: [{ hosts: 1 }, { percent: 100 }], rollBack: false }
    const { rollout: made } = await it.admin.setSettings({ ...to('all'), body: { values: quick, reason, rollout } })
    const id = made?.id ?? ''
    await it.pass(async () => expect(await it.admin.rollout({ id })).toMatchObject({ state: 'halted' }))
    const seen: Rollout = await it.admin.rollout({ id })
    expect(seen).toMatchObject({ state: 'halted', halt: 'HOSTS_REFUSE', step: 1, steps: 2 })
    expect(seen.history).toMatchObject([{ step: 1, look: { hosts: 1, refused: 1 } }])
    expect((await it.admin.rollouts({ state: 'halted' })).rollouts.map((each) => each.id)).toEqual([id])
    await it.admin.rollBack({ id, body: { reason: 'it is bad' } })
    await it.pass(async () => expect(await it.admin.rollout({ id })).toMatchObject({ state: 'rolledBack' }))
    const { events } = await it.admin.rolloutEvents({ id })
    expect(events.map(({ act }) => act)).toEqual(['begin', 'step', 'halt', 'rollBack', 'rolledBack'])
    expect((await it.admin.audit({})).audit[0]).toMatchObject({ action: 'rollout.rollBack', target: id })
  })

  test.each([
    ['the last step is not all', [{ hosts: 1 }]],
    ['steps do not rise', [{ percent: 50 }, { percent: 10 }, { percent: 100 }]],
  ])('is refused when %s', async (_, steps) => {
    await using it = await start()
    const set = it.admin.setSettings({ ...to('all'), body: { values: slow, reason, rollout: { steps } } })
    await expect(set).rejects.toMatchObject({ code: 'BODY_INVALID' })
  })

  test('of another id, or of another state, is refused', async () => {
    await using it = await start()
    await expect(it.admin.rollout({ id: 'nothing' })).rejects.toMatchObject({ code: 'ROLLOUT_UNKNOWN' })
    const { rollout } = await it.admin.setSettings({ ...to('all'), body: { values: slow, reason } })
    const pause = it.admin.pauseRollout({ id: rollout?.id ?? '', body: { reason } })
    await expect(pause).rejects.toMatchObject({ code: 'ROLLOUT_STATE' })
  })
})
