import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type AnswerOf,
  adminClient,
  agentAdmin,
  managerApi,
  type trackerAdmin,
  type WholeSwarm,
} from '../../../lib/api/index.ts'
import { appError, fakeClock, seededRandom, systemClock } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { askedClusters, type Tracker, type ViewedClusters } from '../../../services/manager/views/asked-clusters.ts'
import { swarmViews } from '../../../services/manager/views/swarm-views.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const TOKEN = 'join-token-of-a-test-0123456789'

describe('views over a cluster that has joined', () => {
  const http = httpClient({ clock: systemClock() })
  let shoal: Topology
  let digest: string
  let peer: string
  const manager = () => adminClient(http, shoal.url('manager-1', 'admin'), managerApi)

  beforeAll(async () => {
    await http.start()
    shoal = await startTopology({
      ...{ agents: 1, origins: 1, trackers: 2, managers: 1, joinToken: TOKEN, processes: [] },
      overrides: ['manager.clusters.heartbeat=500ms', 'manager.clusters.hosts=500ms'],
    })
    // On a busy machine an agent may ask another tracker than the owner, which then does not hear to what a small blob belongs.
    let isNamed = false
    for (let more = 0; !isNamed; more += 1) {
      await pullOf(1_000_000 + more)
      const { clusters } = await manager().image({ repository: 'team/viewed' })
      isNamed = clusters.some(({ blobs }) => blobs.some((each) => each.digest === digest))
    }
  })

  /** Pulls another blob, until a tracker knows that the agent has it. */
  async function pullOf(size: number): Promise<void> {
    const blob = await pushBlobOf(shoal, 'team/viewed', size)
    digest = blob.digest
    const pulled = await fetch(shoal.url('agent-1', 'registry') + blob.path)
    await pulled.arrayBuffer()
    peer = await eventually(async () => {
      const { peers } = await manager().swarm({ cluster: 'herd', swarm: digest })
      const agent = peers.find(({ role, complete }) => role === 'agent' && complete)
      if (agent === undefined) throw new Error('the agent has not announced that it has the blob')
      return agent.peerId
    })
  }

  afterAll(async () => {
    await shoal[Symbol.asyncDispose]()
    await http.stop()
  })

  test('a swarm is found in a list, by its digest, and by its repository', async () => {
    const { swarms, silent } = await manager().swarms({ digest: digest.slice(0, 20) })
    expect(silent).toEqual([])
    expect(swarms).toMatchObject([{ cluster: 'herd', digest, state: 'seeded', downloads: 0, origins: 1 }])
    const { clusters } = await manager().image({ repository: 'team/viewed' })
    expect(clusters).toMatchObject([
      {
        cluster: 'herd',
        tags: [],
        replications: [],
        blobs: expect.arrayContaining([expect.objectContaining({ digest })]),
      },
    ])
  })

  test('a swarm that is watched is told whole first', async () => {
    const events = await manager().swarmEvents({ cluster: 'herd', swarm: digest })
    for await (const { kind, data } of events) {
      expect(kind).toBe('whole')
      expect((data as unknown as WholeSwarm).swarm.digest).toBe(digest)
      break
    }
  })

  test('what a node pulled is told by the node itself, with what it waited for', async () => {
    const at = { cluster: 'herd', peer }
    const agent = adminClient(http, shoal.url('agent-1', 'admin'), agentAdmin)
    const { pulls } = await eventually(async () => {
      const found = await manager().nodePulls({ ...at, digest })
      expect(found.pulls).toMatchObject([{ kind: 'blob', repository: 'team/viewed', digest, outcome: 'done' }])
      return found
    })
    const id = pulls[0]?.id ?? ''
    expect(await manager().nodePull({ ...at, id })).toEqual(await agent.pull({ id }))
    expect(await manager().nodePulls({ ...at, repository: 'team/other' })).toEqual({ pulls: [] })
    const refused = [
      [() => manager().nodePull({ ...at, id: '000000-1' }), 'PULL_UNKNOWN'],
      [() => manager().nodePulls({ ...at, since: 'yesterday' }), 'BODY_INVALID'],
      [() => manager().nodePulls({ ...at, peer: '0'.repeat(40) }), 'NODE_UNKNOWN'],
      [() => manager().nodePulls({ ...at, peer: 'agent-1' }), 'REQUEST_INVALID'],
    ] as const
    for (const [call, code] of refused) await expect(call()).rejects.toMatchObject({ code })
  })

  test('an image is shown with what it consists of and who signed it, and a tag that is deleted is gone', async () => {
    const registry = registryClient(shoal.url('proxy-1', 'registry'))
    const image = imageFixture(seededRandom(7))
    const { manifest } = image
    const signature = manifest.digest.replace(':', '-')
    await pushImage(registry, 'team/signed', image, ['1.0', `${signature}.sig`, `${signature}.other`])
    const subject = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length }
    const body = Buffer.from(
      JSON.stringify({ ...JSON.parse(manifest.bytes.toString()), subject, artifactType: 'a/sbom' }),
    )
    const headers = { 'content-type': manifest.mediaType }
    const referrer = digestOf(body)
    await registry.send('PUT', `/v2/team/signed/manifests/${referrer}`, { headers, body })

    const at = { repository: 'team/signed', reference: '1.0' }
    const { clusters } = await manager().imageContent(at)
    expect(clusters).toMatchObject([
      {
        ...{ cluster: 'herd', content: { digest: manifest.digest, image: true } },
        ...{ referrers: [{ digest: referrer, artifactType: 'a/sbom' }], besides: [`${signature}.sig`] },
      },
    ])
    const items = clusters[0]?.content?.items.map(({ digest: each }) => each)
    expect(items?.toSorted()).toEqual([manifest, image.config, ...image.layers].map((each) => each.digest).toSorted())
    await expect(manager().imageContent({ ...at, reference: manifest.digest })).resolves.toMatchObject({
      clusters: [{ content: { digest: manifest.digest } }],
    })

    await manager().deleteTag({ cluster: 'herd', repository: 'team/signed', tag: '1.0' })
    expect((await registry.send('GET', '/v2/team/signed/manifests/1.0')).status).toBe(404)
    const gone = await manager().imageContent(at)
    expect(gone.clusters).toEqual([{ cluster: 'herd', code: 'MANIFEST_UNKNOWN', referrers: [], besides: [] }])
    const again = manager().deleteTag({ cluster: 'herd', repository: 'team/signed', tag: '1.0' })
    await expect(again).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
    const { audit } = await manager().audit({})
    expect(audit.filter(({ action }) => action === 'image.deleteTag')).toMatchObject([
      { target: 'team/signed:1.0', detail: { cluster: 'herd' }, outcome: 'refused', code: 'MANIFEST_UNKNOWN' },
      { target: 'team/signed:1.0', detail: { cluster: 'herd' }, outcome: 'done' },
    ])
    await expect(manager().imageContent({ repository: 'team/signed' })).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    })
  })

  test('a node that is drained says so at its trackers, and the audit who asked for it', async () => {
    const drained = await manager().drainNode({ cluster: 'herd', target: peer, body: { reason: 'new disk' } })
    expect(drained).toMatchObject({ target: peer, reason: 'new disk', holds: { of: 2 } })
    await expect(manager().node({ cluster: 'herd', peer })).resolves.toMatchObject({
      ...{ cluster: 'herd', peerId: peer, drain: { reason: 'new disk' } },
      blobs: expect.arrayContaining([expect.objectContaining({ digest, complete: true })]),
    })
    const { audit } = await manager().audit({})
    expect(audit.find(({ action }) => action === 'host.drain')).toMatchObject({
      target: peer,
      detail: { cluster: 'herd' },
    })
    await manager().undrainNode({ cluster: 'herd', target: peer })
    await expect(manager().undrainNode({ cluster: 'herd', target: peer })).rejects.toMatchObject({
      code: 'MARK_UNKNOWN',
    })
  })

  test('the numbers of the overview are those of its trackers, as they are when somebody looks', async () => {
    const { clusters } = await eventually(async () => {
      const seen = await manager().overview({})
      if (seen.clusters[0]?.trackers !== 2) throw new Error('the cluster has not joined yet')
      return seen
    })
    expect(clusters).toMatchObject([{ cluster: 'herd', away: false, trackers: 2, hosts: 2 }])
  })
})

describe('what several trackers say', () => {
  type Told = AnswerOf<typeof trackerAdmin.swarm>
  const id = 'ab'.repeat(20)
  const row = { swarmId: id, repositories: [], state: 'downloading' as const, downloads: 1, seeds: 1, origins: 0 }
  const peerOf = (peerId: string, complete: boolean) => ({ peerId, host: '10.0.0.1', port: 1, role: 'agent', complete })
  const feed = (bytes: number) => ({ from: 'p', to: 'q', bytes, bytesPerSecond: bytes, failures: 0 })
  const clusterOf = (name: string) => ({ id: name, name, away: false })

  const viewed = (trackers: Readonly<Record<string, readonly Tracker[]>>) => {
    const clusters: ViewedClusters = {
      clusters: () => Object.keys(trackers).map(clusterOf),
      trackers: (name) => (trackers[name] ?? []).map((admin, i) => ({ id: `tracker-${i}`, admin })),
      buildIndexes: () => [],
    }
    return swarmViews(askedClusters(clusters, fakeClock()))
  }
  const telling = (told: Partial<Told>) =>
    ({
      swarm: async () => ({ ...row, peers: [], feeds: [], ...told }),
      swarms: async () => ({ swarms: [row] }),
    }) as unknown as Tracker
  const failing = (code: 'SWARM_UNKNOWN' | 'UNAVAILABLE') =>
    ({
      swarm: async () => Promise.reject(appError(code)),
      swarms: async () => Promise.reject(appError(code)),
    }) as unknown as Tracker

  test('a swarm is what its trackers together know', async () => {
    const first = telling({ peers: [peerOf('p', false), peerOf('q', false)], feeds: [feed(5)] })
    const second = telling({ peers: [peerOf('p', true), peerOf('r', false)], feeds: [feed(9)] })
    const { peers, feeds } = await viewed({ east: [first, second] }).whole('east', id, {})
    expect(peers.map(({ peerId, complete }) => [peerId, complete])).toEqual([
      ['p', true],
      ['q', false],
      ['r', false],
    ])
    expect(feeds).toEqual([feed(9)])
  })

  test('is taken from those that know it', async () => {
    const views = viewed({ east: [failing('SWARM_UNKNOWN'), telling({})] })
    await expect(views.whole('east', id, {})).resolves.toMatchObject({ swarm: { swarmId: id, cluster: 'east' } })
  })

  test.each([
    ['SWARM_UNKNOWN', [failing('SWARM_UNKNOWN')]],
    ['NO_HEALTHY_MEMBER', []],
  ])('when nobody knows it: %s', (code, trackers) =>
    expect(viewed({ east: trackers }).whole('east', id, {})).rejects.toMatchObject({ code }),
  )

  test('a list names the clusters that it lacks, and has a swarm of two clusters twice', async () => {
    const views = viewed({
      east: [telling({}), telling({})],
      west: [telling({})],
      north: [failing('UNAVAILABLE')],
    })
    const asked = { count: 10, last: undefined, cluster: undefined, state: undefined, digest: undefined }
    await expect(views.page({ ...asked, repository: undefined })).resolves.toEqual({
      swarms: [
        { ...row, cluster: 'east' },
        { ...row, cluster: 'west' },
      ],
      silent: [{ cluster: 'north', code: 'UNAVAILABLE' }],
    })
  })

  test('a cluster that is unknown is not looked for', () =>
    expect(viewed({}).whole('east', id, {})).rejects.toMatchObject({ code: 'CLUSTER_UNKNOWN' }))
})
