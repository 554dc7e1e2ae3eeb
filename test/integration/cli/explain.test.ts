import { expect, test } from '@jest/globals'
import type { TracedPull } from '../../../lib/api/index.ts'
import { seededRandom } from '../../../lib/base/index.ts'
import type { ManagedStore } from '../../../lib/store/index.ts'
import { run } from '../../../services/cli/run.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { gatedStore } from '../../kit/gated-store.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { pullDigest } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'
import { untilNamed } from '../../kit/until-named.ts'

const MIB = 1024 * 1024

async function explain(shoal: Topology, ...words: readonly string[]) {
  const host = recordingHost()
  const exit = await run(['explain', ...words, '--url', shoal.url('agent-1', 'admin')], host)
  return { exit, text: host.said, complained: host.complained }
}

async function explained(shoal: Topology, what: string): Promise<readonly TracedPull[]> {
  const { text } = await explain(shoal, what, '--json')
  return (JSON.parse(text) as { pulls: TracedPull[] }).pulls
}

/** A store that takes its time to read what it gives to peers. */
const slowly = (store: ManagedStore, slow: { ms: number }) =>
  new Proxy(store, {
    get(target, name) {
      if (name === 'readAt') {
        return async (...given: Parameters<ManagedStore['readAt']>) => {
          await new Promise((resolve) => setTimeout(resolve, slow.ms))
          return target.readAt(...given)
        }
      }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })

test('in a swarm of ten with one slow and one lying peer the pull completes, and explain says why it took long', async () => {
  const gate = gatedStore()
  const slow = { ms: 0 }
  const parts: Readonly<Record<string, (store: ManagedStore) => ManagedStore>> = {
    'agent-2': (store) => slowly(store, slow),
    'agent-3': (store) => gate.wrap(store),
  }
  await using shoal = await startTopology({
    ...{ agents: 10, origins: 1, trackers: 1, processes: [] },
    agentParts: (id) => {
      const wrapStore = parts[id]
      return wrapStore === undefined ? {} : { wrapStore }
    },
  })
  const blob = await pushBlobOf(shoal, 'team/slow', 48 * MIB)
  const pull = (agent: string) => pullDigest(shoal.url(agent, 'registry') + blob.path)
  for (let at = 2; at <= 10; at += 1) await pull(`agent-${at}`)
  // Started again, they have nothing in memory and give what is in their stores.
  for (const agent of ['agent-2', 'agent-3']) {
    await shoal.stop(agent)
    await shoal.start(agent)
  }
  await untilNamed(shoal, blob.digest, ['agent-2', 'agent-3'])
  // Longer than all the rest takes, also on a busy machine.
  slow.ms = 8_000
  gate.corrupt(() => true)
  expect(await pull('agent-1')).toBe(blob.digest)

  const addressOf = (agent: string) => shoal.url(agent, 'peer').replace('http://', '')
  const [told, ...more] = await explained(shoal, blob.digest)
  expect(more).toEqual([])
  expect(told).toMatchObject({ kind: 'blob', outcome: 'done', size: 48 * MIB })
  const { totalMs = 0, waits = [], sources = [] } = told ?? {}
  expect(waits.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(totalMs, 0)
  // The liar: known by its wrong pieces, which had to come again.
  expect(sources.filter(({ wrong }) => wrong > 0).map(({ address }) => address)).toContain(addressOf('agent-3'))
  // The slow one: asked like the others, and others had to give in its place what it did not give in time.
  const slowest = sources.find(({ address }) => address === addressOf('agent-2'))
  expect(slowest?.asked).toBeGreaterThan(0)
  expect((slowest?.outrun ?? 0) + (slowest?.late ?? 0)).toBeGreaterThan(0)

  const { exit, text } = await explain(shoal, blob.digest)
  expect([exit, text]).toEqual([0, expect.stringContaining(`waited for `)])
  expect(text).toMatch(new RegExp(`the peer at ${addressOf('agent-2')} gave .*(came sooner from another|in time)`))
  expect(text).toMatch(new RegExp(`the peer at ${addressOf('agent-3')} gave .*; \\d+ pieces? with bytes from it w`))
})

test('an image is explained as a whole: its look-up, its manifest, its config and its layers', async () => {
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [] })
  const image = imageFixture(seededRandom(7), [3 * MIB + 1, 70_000])
  const name = 'team/app'
  await pushImage(registryClient(shoal.url('proxy-1', 'registry')), name, image, ['1.0'])
  const agent = registryClient(shoal.url('agent-1', 'registry'))
  await agent.send('GET', `/v2/${name}/manifests/1.0`)
  for (const { digest } of [image.config, ...image.layers]) {
    expect((await agent.send('GET', `/v2/${name}/blobs/${digest}`)).status).toBe(200)
  }
  await agent.send('HEAD', `/v2/${name}/blobs/${image.config.digest}`)
  const { host } = new URL(shoal.url('agent-1', 'registry'))
  // The client has its last byte a moment before the pull is over.
  await eventually(async () => {
    const { exit, text } = await explain(shoal, `${host}/${name}:1.0`)
    expect(exit).toBe(0)
    expect(text).toMatch(/: 6 requests in /)
    for (const part of ['lookup', 'manifest', 'config', 'layer'])
      expect(text).toMatch(new RegExp(`\\n\\w{6}-\\d+ +${part} `))
    expect(text).not.toContain('running')
  })
  const pulls = await explained(shoal, `${name}:1.0`)
  expect(pulls.map(({ outcome }) => outcome).toSorted()).toEqual(['done', 'done', 'done', 'done', 'done', 'unread'])
  const one = await explain(shoal, pulls[0]?.id ?? '')
  expect([one.exit, one.text]).toEqual([0, expect.stringContaining(`${pulls[0]?.id}: blob `)])

  const unknown = await explain(shoal, `${name}:2.0`)
  expect(unknown).toMatchObject({ exit: 1, complained: expect.stringContaining('shoal explain: PULL_UNKNOWN: ') })
})
