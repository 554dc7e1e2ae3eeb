import { startTopology } from '../kit/topology.ts'
import { curl, percentile, publish } from './measure.ts'
import { pushImage } from './push.ts'

const IMAGES = 300
const NAME = 'bench/small'

/** Pulls a manifest by tag and a blob of 1 KiB through an agent that has neither in its cache. */
export async function small(): Promise<void> {
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1 })
  const registry = shoal.url('proxy-1', 'registry')
  const layers: string[] = []
  for (let i = 0; i < IMAGES; i += 1) layers.push(await pushImage(registry, NAME, `t${i}`, 1024))

  const agent = shoal.url('agent-1', 'registry')
  const manifests: number[] = []
  const blobs: number[] = []
  for (const [i, layer] of layers.entries()) {
    const [manifest, blob] = await curl([`${agent}/v2/${NAME}/manifests/t${i}`, `${agent}/v2/${NAME}/blobs/${layer}`])
    manifests.push(manifest?.totalMs ?? Number.NaN)
    blobs.push(blob?.totalMs ?? Number.NaN)
  }
  const row = (name: string, values: readonly number[]) =>
    [name, percentile(values, 50).toFixed(1), percentile(values, 99).toFixed(1), '<= 10', '<= 50'] as const
  await publish({
    name: 'small',
    conditions: [
      `${IMAGES} images of one layer of 1 KiB, each asked for once by a curl of its own over loopback`,
      'one agent, one origin, one tracker, two build-indexes, own processes; nothing was asked for before',
    ],
    columns: ['what', 'p50 ms', 'p99 ms', 'must reach p50', 'p99'],
    rows: [row('manifest by tag', manifests), row('blob of 1 KiB', blobs)],
  })
}
