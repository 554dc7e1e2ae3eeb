import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { adminClient, agentAdmin, originAdmin, type SteeringDocument, trackerAdmin } from '../../../lib/api/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { slowPull } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
const AGENTS = 20
/** What may be received at once, and blocks that are under way. */
const BURST = 3 * MIB

type Layer = SteeringDocument['layers'][number]

const http = disposableHttp()
afterAll(async () => http[Symbol.asyncDispose]())

const labels = Array.from({ length: AGENTS }, (_, i) => `node-${i + 1}`)

/** 20 agents with a slow line, and two trackers, of which the second can be killed. */
const startFleet = () =>
  startTopology({
    ...{ agents: AGENTS, origins: 1, trackers: 2, processes: ['tracker-2'] },
    overrides: ['agent.limits.download=64KiB/s'],
    more: (kind, id) => (kind === 'agent' ? { labels: { host: id.replace('agent', 'node') } } : {}),
  })

describe('a fleet that is steered', () => {
  let shoal: Topology
  let generation = 0
  const tracker = (id = 'tracker-1') => adminClient(http, shoal.url(id, 'admin'), trackerAdmin)
  const settingsOf = async (id: string) => {
    const { settings, ...rest } = await adminClient(http, shoal.url(id, 'admin'), agentAdmin).settings({})
    return { ...rest, keys: new Map(settings.map(({ key, ...setting }) => [key, setting])) }
  }
  const layer = (id: string, more: Partial<Layer>): Layer => ({
    id,
    kind: 'agent',
    generation,
    scope: { all: true },
    values: {},
    ...more,
  })
  const steer = async (layers: () => readonly Layer[], id = 'tracker-1') => {
    generation += 1
    return tracker(id).steer({ body: { manager: 'test', generation, layers: layers() } })
  }
  /** Waits until so many agents are in this state, by the tracker. */
  const count = (state: string, wanted: number, id = 'tracker-1') =>
    eventually(async () => {
      const { hosts } = await tracker(id).steeringHosts({ kind: 'agent', state, n: '100' })
      expect(hosts.map((host) => host.state)).toEqual(Array.from({ length: wanted }, () => state))
      return hosts
    })
  const applied = () => count('applied', AGENTS)

  beforeAll(async () => {
    shoal = await startFleet()
    for (const id of ['tracker-1', 'tracker-2'])
      await eventually(async () => expect(await tracker(id).statistics({})).toMatchObject({ listening: AGENTS }))
  })
  afterAll(async () => shoal[Symbol.asyncDispose]())

  test('a running pull obeys a new limit, and one at a host that the layer is not for does not', async () => {
    const blob = await pushBlobOf(shoal, 'steered-blob', 8 * MIB)
    const end = new AbortController()
    const other = fetch(shoal.url('agent-2', 'registry') + blob.path, { signal: end.signal }).catch(() => undefined)
    const received = () => shoal.counter('agent-2', 'shoal_received_bytes_total')
    await eventually(async () => expect(await received()).toBeGreaterThan(0))
    const steered = await slowPull(shoal.url('agent-1', 'registry') + blob.path)
    await steered.readTo(1)
    const layers = () => [layer('fast', { scope: { hosts: ['node-1'] }, values: { 'limits.download': 'unlimited' } })]
    expect((await steer(layers)).holds).toEqual({ at: 2, of: 2, missing: [] })
    expect(await steered.finish()).toBe(blob.digest)
    expect(await received()).toBeLessThan(BURST)
    end.abort()
    await other
    const { keys, ...now } = await settingsOf('agent-1')
    expect(now).toMatchObject({ manager: 'test', generation, state: 'applied' })
    expect(keys.get('limits.download')).toEqual({ file: 65_536, live: null, by: 'test' })
    expect((await settingsOf('agent-2')).keys.get('limits.download')).toEqual({
      file: 65_536,
      live: 65_536,
      by: 'file',
    })
  })

  test('a value that only hosts can judge is reported by those of the share, and by no others', async () => {
    const bad = labels.slice(0, 10)
    await steer(() => [
      layer('all', { values: { 'registry.fill': true } }),
      layer('bad', { share: { hosts: bad }, values: { 'store.capacity': 0 } }),
    ])
    for (const id of ['tracker-1', 'tracker-2']) {
      await count('applied', AGENTS - 10, id)
      const hosts = await count('failed', 10, id)
      expect(hosts.map(({ label }) => label).sort()).toEqual(bad.toSorted())
    }
    const { all, failures } = await tracker().steeringSummary({})
    expect([all.states.failed, failures]).toEqual([10, { SETTING_INVALID: 10 }])
    const [host] = await count('failed', 10)
    expect(host).toMatchObject({ shoal: '0.1.0', kind: 'agent', layers: ['all', 'bad'] })
    expect((await settingsOf('agent-1')).keys.get('registry.fill')).toMatchObject({ live: false })
    expect((await settingsOf('agent-20')).keys.get('registry.fill')).toMatchObject({ live: true })
    await steer(() => [layer('all', { values: { 'registry.fill': true } })])
    await applied()
    expect((await settingsOf('agent-1')).keys.get('registry.fill')).toMatchObject({ live: true, by: 'test' })
  })

  test('origins take what is for them, and no agent does', async () => {
    const values = { 'ingest.fill': 'off', 'limits.upload': '9MB/s', 'handOver.rate': '1MB/s', 'scrub.rate': '2MB/s' }
    await steer(() => [layer('origins', { kind: 'origin', scope: { hosts: ['origin-1'] }, values })])
    await eventually(async () => {
      const { hosts } = await tracker().steeringHosts({ layer: 'origins' })
      expect(hosts).toMatchObject([{ id: 'origin-1', kind: 'origin', state: 'applied', generation }])
    })
    const { settings } = await adminClient(http, shoal.url('origin-1', 'admin'), originAdmin).settings({})
    const live = Object.fromEntries(settings.filter(({ by }) => by === 'test').map((each) => [each.key, each.live]))
    expect(live).toEqual({ 'ingest.fill': 0, 'limits.upload': 9e6, 'handOver.rate': 1e6, 'scrub.rate': 2e6 })
  })

  test('counts how pulls go where a layer holds, and where not', async () => {
    const blob = await pushBlobOf(shoal, 'counted-blob', MIB)
    await steer(() => [layer('one', { scope: { hosts: ['node-3'] }, values: { 'limits.download': 'unlimited' } })])
    await applied()
    const pull = await slowPull(shoal.url('agent-3', 'registry') + blob.path)
    expect(await pull.finish()).toBe(blob.digest)
    const [one] = (await tracker().steeringSummary({})).layers
    expect(one).toMatchObject({ id: 'one', with: { hosts: 1 }, without: { hosts: AGENTS - 1 } })
    expect((await settingsOf('agent-3')).health).toEqual({ done: 1, failed: 0, stalled: 0 })
  })

  test('what a manager holds is read-only at the trackers, and a document that is wrong is refused with its layer', async () => {
    await steer(() => [layer('trackers', { kind: 'tracker', values: { policy: 'completeness' } })])
    for (const id of ['tracker-1', 'tracker-2']) {
      expect(await tracker(id).settings({})).toMatchObject({ now: { policy: 'completeness' }, held: ['policy'] })
      const set = tracker(id).set({ body: { policy: 'adaptive' } })
      await expect(set).rejects.toMatchObject({ code: 'SETTING_HELD', detail: { key: 'policy', manager: 'test' } })
    }
    expect(await tracker().set({ body: { perSecond: 900 } })).toMatchObject({ now: { perSecond: 900 } })
    const wrong = (values: Layer['values']) =>
      tracker().steer({
        body: { manager: 'test', generation: generation + 1, layers: [layer('odd', { values })] },
      })
    await expect(wrong({ 'limits.downlod': '1MB/s' })).rejects.toMatchObject({
      code: 'BODY_INVALID',
      message: expect.stringContaining('the layer "odd" sets "limits.downlod"'),
    })
    await expect(wrong({ 'limits.download': 'fast' })).rejects.toMatchObject({ code: 'BODY_INVALID' })
    const other = tracker().steer({ body: { manager: 'other', generation: generation + 1, layers: [] } })
    await expect(other).rejects.toMatchObject({ code: 'STEERING_HELD', detail: { manager: 'test', generation } })
    const old = tracker().steer({ body: { manager: 'test', generation: 1, layers: [] } })
    await expect(old).rejects.toMatchObject({ code: 'STEERING_STALE' })
  })

  test('a tracker that was killed has what was given meanwhile when it is back', async () => {
    await shoal.kill('tracker-2')
    const { holds } = await steer(() => [layer('all', { values: { 'limits.upload': '5MB/s' } })])
    expect(holds).toEqual({ at: 1, of: 2, missing: ['tracker-2'] })
    await applied()
    await shoal.start('tracker-2')
    await eventually(async () => expect(await tracker('tracker-2').steering({})).toMatchObject({ generation }))
  })

  test('an agent that starts while all trackers are away has the settings from before', async () => {
    // Values that no other test sets: an agent hears of a new generation at once only when it has to change something.
    await steer(() => [layer('all', { values: { 'limits.upload': '6MB/s' } })])
    await applied()
    await Promise.all([shoal.stop('tracker-1'), shoal.kill('tracker-2'), shoal.stop('agent-4')])
    await shoal.start('agent-4')
    const { keys, ...now } = await settingsOf('agent-4')
    expect(now).toMatchObject({ manager: 'test', generation, state: 'applied' })
    expect(keys.get('limits.upload')).toEqual({ file: null, live: 6_000_000, by: 'test' })
    await Promise.all([shoal.start('tracker-1'), shoal.start('tracker-2')])
    await applied()
  })

  test('everything goes back to its file when the settings are let go of, and another manager may begin', async () => {
    await steer(() => [layer('all', { values: { 'limits.upload': '5MB/s' } })])
    await applied()
    const { term } = await tracker().unsteer({})
    await applied()
    expect(await tracker().steeringSummary({})).toMatchObject({ term, generation: 0, layers: [] })
    expect((await settingsOf('agent-4')).keys.get('limits.upload')).toEqual({ file: null, live: null, by: 'file' })
    await expect(tracker().unsteer({})).rejects.toMatchObject({ code: 'STEERING_UNKNOWN' })
    generation = 1
    const body = { manager: 'other', generation, layers: [layer('all', { values: { log: 'error' } })] }
    await tracker('tracker-2').steer({ body })
    await applied()
    expect(await tracker().steeringSummary({})).toMatchObject({ manager: 'other', term, generation: 1 })
    await tracker().unsteer({})
  })
})
