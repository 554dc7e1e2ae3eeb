import { setMaxListeners } from 'node:events'
import { cpus, loadavg } from 'node:os'
import { cipherBytes } from '../kit/cipher-bytes.ts'
import type { Bytes } from '../kit/lazy-mount.ts'
import { linkBlob } from '../kit/link-blob.ts'
import { checkedPulls } from './checked-pull.ts'
import { interruptible } from './interruptible.ts'
import { lazyReader } from './lazy-reader.ts'
import { publish } from './measure.ts'
import { numberOptions, sizeOptions } from './options.ts'
import { type PacedStore, startPacedStore } from './paced-store.ts'
import { directSeconds, type PodsRun, podsColumns, podsRows } from './pods-figures.ts'
import { type PullMode, published } from './published.ts'
import { type ServiceHosts, startHosts, urlOf } from './service-hosts.ts'

const NAME = 'bench/pods'
const LATENCY_MS = 20
/** A baseline that would take longer is computed only. */
const MAX_DIRECT_SECONDS = 30
const WARM_UP_BYTES = 64 * 1024
/** Share of an image that a container reads until it is ready: Harter and others, FAST 2016. */
const LAZY_SHARE = 0.064
/** In how many places, besides the tables at the end. */
const LAZY_PLACES = 4
const TABLE_SHARE = 0.002

type Image = (typeof published.images)[number]

interface Lab {
  readonly hosts: ServiceHosts
  readonly store: PacedStore
  readonly factor: number
  readonly signal: AbortSignal
}

/** What a container reads until it is ready: the tables at the end, then a few places spread over the image. */
export function lazyRanges(size: number): readonly Bytes[] {
  const length = Math.ceil((size * LAZY_SHARE) / LAZY_PLACES)
  const places = Array.from({ length: LAZY_PLACES }, (_, at): Bytes => {
    const first = Math.floor((size * at) / LAZY_PLACES)
    return [first, first + length - 1]
  })
  return [[size - Math.ceil(size * TABLE_SHARE), size - 1], ...places]
}

async function readLazily(url: string, content: Buffer, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now()
  using reader = lazyReader({ url, content, signal })
  for (const bytes of lazyRanges(content.length)) await reader.waited(bytes)
  return performance.now() - startedMs
}

interface Fresh {
  readonly content: Buffer
  readonly digest: Awaited<ReturnType<PacedStore['put']>>
}

/** An image that only the store has. */
async function freshImage({ hosts, store }: Lab, bytes: number): Promise<Fresh> {
  const name = crypto.randomUUID()
  const digest = await store.put(name, bytes)
  const index = hosts.plan.buildIndex[0]
  if (index === undefined) throw new Error('there is no build-index')
  await linkBlob({ url: () => urlOf(index, 'http') }, NAME, digest, bytes)
  return { content: cipherBytes(name, bytes), digest }
}

/** Pod by pod, the agent of its node. */
function podUrls({ hosts }: Lab, pods: number, { digest }: Fresh): readonly string[] {
  const { agent: agents } = hosts.plan
  const bases = agents.map((agent) => urlOf(agent, 'registry'))
  return Array.from({ length: pods }, (_, pod) => `${bases[pod % bases.length]}/v2/${NAME}/blobs/${digest}`)
}

async function wholePulls(urls: readonly string[], digest: string, signal: AbortSignal): Promise<readonly number[]> {
  const times = await checkedPulls(
    urls.map((url) => [{ url, digest }]),
    signal,
  )
  return times.map(({ totalMs }) => totalMs)
}

/** All pods pull from the store itself, where that does not take too long. */
async function pullDirectly(lab: Lab, pods: number, fresh: Fresh): Promise<number | undefined> {
  const { store, factor, signal } = lab
  const rate = published.registryBytesPerSecond / factor
  if (directSeconds({ pods, bytes: fresh.content.length }, rate) > MAX_DIRECT_SECONDS) return undefined
  const urls = Array.from({ length: pods }, () => store.urlOf(fresh.digest))
  return Math.max(...(await wholePulls(urls, fresh.digest, signal)))
}

async function startPods(lab: Lab, image: Image, pods: number, mode: PullMode): Promise<PodsRun> {
  const { store, factor, signal } = lab
  const fresh = await freshImage(lab, Math.ceil(image.bytes / factor))
  const directMs = mode === 'oci' ? await pullDirectly(lab, pods, fresh) : undefined
  await store.takeCounts()
  const urls = podUrls(lab, pods, fresh)
  const readyMs =
    mode === 'oci'
      ? await wholePulls(urls, fresh.digest, signal)
      : await Promise.all(urls.map((url) => readLazily(url, fresh.content, signal)))
  const counts = await store.settledCounts(fresh.content.length, signal)
  process.stderr.write(`${pods} pods are ready with ${image.name}, ${mode}\n`)
  return { pods, image: image.name, mode, bytes: fresh.content.length, readyMs, counts, directMs }
}

/**
 * Many pods start at once from an image that only the store has, as in Volcano Engine's published test, everything scaled
 * down by one factor. Arguments: `--pods 50,100,200,500 --nodes 50 --factor 250 --per-process 25`.
 */
export async function pods(args: readonly string[]): Promise<void> {
  const { pods: counts, ...single } = numberOptions(args, {
    ...{ pods: published.pods, nodes: [50], factor: [250], 'per-process': [25] },
  })
  const size = sizeOptions(
    Object.entries(single).flatMap(([name, values]) => [`--${name}`, values.join(',')]),
    { nodes: 50, factor: 250, 'per-process': 25 },
  )
  const { nodes, factor } = size
  const load = loadavg()[0] ?? 0
  const link = Math.floor(published.linkBytesPerSecond / factor)
  const storeRate = published.registryBytesPerSecond / factor
  const runs: PodsRun[] = []
  await interruptible(async (signal) => {
    setMaxListeners(4 * Math.max(...counts), signal)
    await using store = await startPacedStore({ bytesPerSecond: storeRate, latencyMs: LATENCY_MS }, signal)
    const limits = ['upload', 'download'].map((way) => `agent.limits.${way}=${link}B/s`)
    await using hosts = await startHosts({
      agents: nodes,
      agentsPerProcess: size['per-process'],
      overrides: [
        store.backends({ '*': 's3' }),
        ...limits,
        `origin.limits.upload=${link}B/s`,
        'agent.store.minFree=1MiB',
      ],
      signal,
    })
    process.stderr.write(`${nodes} agents have started\n`)
    const lab = { hosts, store, factor, signal }
    // Not measured: the code runs for the first time.
    const warmUp = await freshImage(lab, WARM_UP_BYTES)
    await wholePulls(podUrls(lab, nodes, warmUp), warmUp.digest, signal)
    for (const image of published.images) {
      for (const count of counts) {
        for (const mode of ['oci', 'lazy'] as const) runs.push(await startPods(lab, image, count, mode))
      }
    }
  })
  const scaled = published.images.map(({ name, bytes }) => `${name} as ${(bytes / factor / 1e6).toFixed(2)} MB`)
  await publish({
    name: 'pods',
    conditions: [
      `factor ${factor}: images of ${scaled.join(' and ')}, one layer each; links of nodes and of the origin of ${(link / 1e6).toFixed(2)} MB/s (published: 6 Gbit/s), a store of ${(storeRate / 1e6).toFixed(2)} MB/s (10 Gbit/s) that begins to answer after ${LATENCY_MS} ms; sizes and rates are scaled alike, so times are not`,
      'not scaled: latency, processors, pieces of 256 KiB, of which an image has a few, not thousands, and units of 4 MiB in which the origin reads the store, which are a large part of an image or all of it',
      `${cpus().length} cores cannot hold 500 agents: a pod is a client of its own behind the agent of one of ${nodes} nodes, so that ${nodes} pods have an agent each and 500 share one with ${Math.ceil(500 / nodes) - 1} others; agents have own sockets and stores, ${size['per-process']} to a process; pods share the process of the bench; real sockets and services, nothing is simulated`,
      `fresh images, which only the store has; all pods begin at once. oci: ready with the whole, whose SHA-256 is compared. lazy: ready after the table at the end and ${LAZY_PLACES} places, one after the other, ${(LAZY_SHARE * 100).toFixed(1)} % of the image (Harter and others, FAST 2016), each byte compared`,
      'published: Volcano Engine 2023, Dragonfly 2.0.8, lazy with Nydus, read off charts; its times contain the creation of the pod and the unpacking, ours do not; it tells no percentile, and p99 is compared; peak and sum were published of whole pulls only',
      "the store's peak and sum are multiplied by the factor; no swarm: all pods read the store itself, measured before where it takes less than half a minute; a real registry does worse than linear",
      `load average of the machine before: ${load.toFixed(1)}`,
    ],
    columns: podsColumns,
    rows: runs.flatMap((run) => podsRows(run, factor)),
    raw: runs,
  })
}
