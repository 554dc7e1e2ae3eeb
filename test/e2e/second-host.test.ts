import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type Containerd,
  type ContainerTools,
  containerTools,
  type DebianRegistry,
  hostsToml,
  startContainerd,
  startDebianRegistry,
} from '../kit/clients/index.ts'
import { eventually } from '../kit/eventually.ts'
import { type FaultProxy, faultProxy } from '../kit/fault-proxy.ts'
import { hold } from '../kit/http-faults.ts'
import { digestsOf, type ImageLayout, makeImage } from '../kit/images/index.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/**
 * Engines that have a second host besides the agent, which is asked first, while the cluster's own way to the registry
 * is broken. How long a pull takes is printed; what is asserted is how often it waits.
 */
const LAYERS = 20
const NOBODY = 'http://127.0.0.1:1'
const stack = resourceStack()
let elsewhere: DebianRegistry
/** What the cluster takes for the registry: it accepts connections and never answers. */
let silent: FaultProxy
let shoal: Topology
let tools: ContainerTools
let containerd: Containerd
let image: ImageLayout

beforeAll(async () => {
  tools = stack.own(await containerTools())
  containerd = stack.own(await startContainerd())
  elsewhere = stack.own(await startDebianRegistry())
  silent = stack.own(await faultProxy({ target: elsewhere.url }))
  silent.faults.next({ times: Number.POSITIVE_INFINITY }, hold(new Promise(() => undefined)))
  const layers = Array.from({ length: LAYERS }, (_, seed) => ({ sizeBytes: 20_000, seed }))
  image = await makeImage(join(tools.folder, 'image'), { layers })
  const copy = ['copy', '--preserve-digests', image.reference]
  await tools.skopeo([...copy, `docker://${elsewhere.host}/kit/image:t1`])
  const rules = ['refuses', 'hangs'].flatMap((how) =>
    engines.map((engine) => ({ registry: hostOf(engine, how), url: how === 'hangs' ? silent.url : NOBODY })),
  )
  shoal = stack.own(
    await startTopology({
      ...{ agents: 1, origins: 2, trackers: 1, processes: [] },
      overrides: [
        `origin.upstreams=${JSON.stringify(rules)}`,
        `buildIndex.upstreams=${JSON.stringify(rules)}`,
        'agent.registry.upstreams=["*.example"]',
      ],
    }),
  )
})

afterAll(async () => stack[Symbol.asyncDispose]())

const engines = ['containerd', 'skopeo'] as const
type Engine = (typeof engines)[number]
/** A registry of its own for each pull: none finds the way broken already. */
const hostOf = (engine: Engine, how: string) => `${how}-${engine}.example`
const agent = () => new URL(shoal.url('agent-1', 'registry')).host
/** Requests that somebody waited for; probes of `/v2/` keep nobody waiting. */
const waitedFor = () => silent.faults.requests.filter(({ url }) => url !== '/v2/').length

async function answers(status: string) {
  return shoal.counter('agent-1', 'shoal_http_requests_total', `status="${status}"`)
}

async function breaks() {
  const ids = Object.values(shoal.plan).flatMap((list) => list.map(({ id }) => id))
  const asking = ids.filter((id) => id.startsWith('origin') || id.startsWith('build-index'))
  const found = await Promise.all(asking.map((id) => shoal.counter(id, 'shoal_upstream_breaks_total')))
  return found.reduce((sum, count) => sum + count, 0)
}

/** Returns the digest that the engine has then. */
const pulls: Record<Engine, (host: string) => Promise<string>> = {
  async containerd(host) {
    const hostsDir = join(tools.folder, 'hosts')
    const hosts = [{ url: `http://${agent()}` }, { url: elsewhere.url }]
    await hostsToml(hostsDir, { host, server: NOBODY, hosts })
    return (await containerd.pull(`${host}/kit/image:t1`, { hostsDir })).digest
  },
  async skopeo(host) {
    const config = await mirrored(host)
    await tools.skopeo([
      '--registries-conf',
      config,
      'copy',
      `docker://${host}/kit/image:t1`,
      `oci:${config}.copy:image`,
    ])
    return (await digestsOf(`${config}.copy`)).digest
  },
}

async function mirrored(host: string) {
  const config = join(tools.folder, `${host}.conf`)
  await writeFile(
    config,
    `[[registry]]\nprefix = "${host}"\nlocation = "${elsewhere.host}"\ninsecure = true\n` +
      `[[registry.mirror]]\nlocation = "${agent()}/${host}"\ninsecure = true\n`,
  )
  return config
}

describe.each(engines)('%s', (engine) => {
  test.each(['refuses', 'hangs'])(
    'pulls an image from its second host when the way of the cluster to the registry %s, and waits once',
    async (how) => {
      const [waits, broken, refused] = [waitedFor(), await breaks(), await answers('503')]
      const beganMs = performance.now()
      expect(await pulls[engine](hostOf(engine, how))).toBe(image.digest)
      const tookMs = Math.round(performance.now() - beganMs)
      process.stdout.write(`${engine}, whose first host ${how}: ${tookMs} ms for ${LAYERS} layers\n`)
      expect(await answers('503')).toBeGreaterThan(refused)
      // Who has found it out, and the origin that pings it for all.
      await eventually(async () => expect(await breaks()).toBeGreaterThan(broken))
      expect(waitedFor() - waits).toBeLessThanOrEqual(how === 'hangs' ? 2 : 0)
    },
  )
})
