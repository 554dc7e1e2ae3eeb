import { randomFillSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startNginx } from '../kit/clients/index.ts'
import { eventually } from '../kit/eventually.ts'
import { buildResource } from '../kit/resource-stack.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { pushBlob } from './push.ts'

const NAME = 'bench/swarm'
/** More agents would not start faster, and each needs a processor until it answers. */
const STARTS_AT_ONCE = 4

/** Blobs that are pulled together. */
export interface SwarmImage {
  readonly layers: readonly Buffer[]
  /** One for each layer, as all lists here. */
  readonly nginxUrls: readonly string[]
  /** What follows the URL of a registry. */
  readonly paths: readonly string[]
}

export interface SwarmRigInit {
  readonly agents: number
  /** Sizes of the layers of each image, in bytes. */
  readonly images: readonly (readonly number[])[]
  readonly signal: AbortSignal
}

/** Fresh agents, an origin that has all images, a tracker, and nginx with the same bytes; own processes. */
export interface SwarmRig {
  readonly shoal: Topology
  readonly agents: readonly string[]
  readonly images: readonly SwarmImage[]
}

function randomBuffer(bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes)
  randomFillSync(buffer)
  return buffer
}

async function startAgents(shoal: Topology, agents: readonly string[], signal: AbortSignal): Promise<void> {
  for (let at = 0; at < agents.length; at += STARTS_AT_ONCE) {
    signal.throwIfAborted()
    const batch = agents.slice(at, at + STARTS_AT_ONCE)
    // Wait for all before a failure ends the others: an agent that starts later would be left running.
    const starts = await Promise.allSettled(batch.map((id) => shoal.start(id)))
    for (const start of starts) if (start.status === 'rejected') throw start.reason
  }
}

export function startSwarmRig({
  agents: count,
  images: sizes,
  signal,
}: SwarmRigInit): Promise<SwarmRig & AsyncDisposable> {
  return buildResource(async (stack) => {
    const files = stack.own(await tempFolder('bench'))
    const nginx = stack.own(await startNginx({ root: files.path }))
    const agents = Array.from({ length: count }, (_, i) => `agent-${i + 1}`)
    const shoal = stack.own(await startTopology({ agents: count, origins: 1, trackers: 1, later: agents }))
    const images: SwarmImage[] = []
    for (const [i, layerSizes] of sizes.entries()) {
      const image = { layers: layerSizes.map(randomBuffer), nginxUrls: [] as string[], paths: [] as string[] }
      await mkdir(join(files.path, String(i)))
      for (const [j, layer] of image.layers.entries()) {
        signal.throwIfAborted()
        await writeFile(join(files.path, String(i), String(j)), layer)
        image.nginxUrls.push(`${nginx.url}/${i}/${j}`)
        const digest = await pushBlob(shoal.url('proxy-1', 'registry'), NAME, layer)
        image.paths.push(`/v2/${NAME}/blobs/${digest}`)
      }
      images.push(image)
    }
    await eventually(
      async () => {
        const waiting = await shoal.counter('origin-1', 'shoal_write_back_waiting_bytes')
        if (waiting > 0) throw new Error(`the origin still has to write back ${waiting} bytes`)
      },
      { timeoutMs: 120_000, signal },
    )
    await startAgents(shoal, agents, signal)
    return { shoal, agents, images }
  })
}
