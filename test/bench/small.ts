import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startNginx } from '../kit/clients/index.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology } from '../kit/topology.ts'
import { interruptible } from './interruptible.ts'
import { curl, percentile, publish } from './measure.ts'
import { sizeOptions } from './options.ts'
import { type PushedImage, pushImage } from './push.ts'

const NAME = 'bench/small'
const KIB = 1024

interface Series {
  /** Size of the layer of each image. */
  readonly kib: number
  readonly images: number
}

interface Timed {
  readonly manifests: readonly number[]
  readonly blobs: readonly number[]
}

interface Compared {
  readonly shoal: Timed
  readonly nginx: Timed
}

/** Asks for each pair of manifest and blob with a curl of its own. */
async function timesOf(pairs: readonly (readonly string[])[], signal: AbortSignal): Promise<Timed> {
  const manifests: number[] = []
  const blobs: number[] = []
  for (const pair of pairs) {
    const [manifest, blob] = await curl(pair, undefined, { signal })
    manifests.push(manifest?.totalMs ?? Number.NaN)
    blobs.push(blob?.totalMs ?? Number.NaN)
  }
  return { manifests, blobs }
}

/** Fresh images of one size, from fresh services and from nginx. */
async function compare({ kib, images: count }: Series, signal: AbortSignal): Promise<Compared> {
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1 })
  await using files = await tempFolder('bench')
  await using nginx = await startNginx({ root: files.path })
  const images: PushedImage[] = []
  for (let i = 0; i < count; i += 1) {
    signal.throwIfAborted()
    const image = await pushImage(shoal.url('proxy-1', 'registry'), NAME, `t${i}`, kib * KIB)
    await mkdir(join(files.path, String(i)))
    await writeFile(join(files.path, String(i), 'manifest'), image.manifest)
    await writeFile(join(files.path, String(i), 'layer'), image.layer)
    images.push(image)
  }
  process.stderr.write(`${count} images of ${kib} KiB are pushed\n`)
  const agent = `${shoal.url('agent-1', 'registry')}/v2/${NAME}`
  const times = {
    nginx: images.map((_, i) => [`${nginx.url}/${i}/manifest`, `${nginx.url}/${i}/layer`]),
    shoal: images.map(({ layerDigest }, i) => [`${agent}/manifests/t${i}`, `${agent}/blobs/${layerDigest}`]),
  }
  return { nginx: await timesOf(times.nginx, signal), shoal: await timesOf(times.shoal, signal) }
}

/**
 * Pulls manifests by tag and small blobs through an agent that has none of them in its cache. Arguments:
 * `--images 300 --large 100`: images of one layer of 1 KiB, and of 1 MiB.
 */
export async function small(args: readonly string[]): Promise<void> {
  const { images, large } = sizeOptions(args, { images: 300, large: 100 })
  const [kib, mib] = await interruptible(async (signal) => [
    await compare({ kib: 1, images }, signal),
    await compare({ kib: KIB, images: large }, signal),
  ])
  const row = (
    what: string,
    { nginx, shoal }: Record<keyof Compared, readonly number[]>,
    bounds: readonly [string, string],
  ) =>
    [
      what,
      percentile(nginx, 50).toFixed(1),
      percentile(nginx, 99).toFixed(1),
      percentile(shoal, 50).toFixed(1),
      percentile(shoal, 99).toFixed(1),
      ...bounds,
    ] as const
  const of = (compared: Compared | undefined, what: keyof Timed) => ({
    nginx: compared?.nginx[what] ?? [],
    shoal: compared?.shoal[what] ?? [],
  })
  await publish({
    name: 'small',
    conditions: [
      `${images} images of one layer of 1 KiB, then ${large} of one layer of 1 MiB, each asked for once by a curl of its own over loopback: first the manifest, then the blob`,
      'one agent, one origin, one tracker, two build-indexes, own processes, fresh ones for each size; nothing was asked for before',
      'nginx: the same curls for the same bytes as files',
    ],
    columns: ['what', 'nginx p50 ms', 'nginx p99 ms', 'p50 ms', 'p99 ms', 'must reach p50', 'p99'],
    rows: [
      row('manifest by tag', of(kib, 'manifests'), ['<= 5', '<= 50']),
      row('blob of 1 KiB', of(kib, 'blobs'), ['<= 10', '<= 50']),
      row('manifest by tag, beside 1 MiB', of(mib, 'manifests'), ['<= 5', '']),
      row('blob of 1 MiB', of(mib, 'blobs'), ['<= 10', '']),
    ],
  })
}
