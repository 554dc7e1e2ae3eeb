import { randomFillSync } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startDebianRegistry, startNginx } from '../kit/clients/index.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { type CurlTimes, curl, median, type ProcessUse, publish, useOf } from './measure.ts'
import { pushBlob } from './push.ts'

const GIB = 1024 ** 3
const ROUNDS = 5
/** Bytes pulled through each restarted agent before the measurement, so that its first request is not measured. */
const WARM_UP_BYTES = 16 * 1024 * 1024
const NAME = 'bench/transfer'
const services = ['agent-1', 'origin-1', 'tracker-1'] as const

interface Round {
  readonly nginx: CurlTimes
  readonly shoal: CurlTimes
  readonly registry: CurlTimes
  readonly cpu: Readonly<Record<string, number>>
  readonly rss: Readonly<Record<string, number>>
}

/** Restarts `agent-1` with an empty store. */
export async function coldAgent(shoal: Topology): Promise<void> {
  await shoal.stop('agent-1')
  await rm(join(shoal.data, 'agent-1'), { recursive: true, force: true })
  await shoal.start('agent-1')
}

const uses = async (shoal: Topology): Promise<Map<string, ProcessUse>> =>
  new Map(await Promise.all(services.map(async (id) => [id, await useOf(shoal.pid(id))] as const)))

interface Baselines {
  readonly blob: Buffer
  readonly nginxUrl: string
  /** A docker-registry that has the blob. */
  readonly upstreamUrl: string
}

/** How much of a blob the agent checks itself. */
type Verify = 'whole' | 'pieces'

const one = async (url: string, bytes: number) => (await curl([url], bytes))[0] as CurlTimes

async function roundsWith(verify: Verify, { blob, nginxUrl, upstreamUrl }: Baselines): Promise<readonly Round[]> {
  const size = blob.length
  const overrides = [`agent.verify=${verify}`]
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, overrides })
  const push = async (bytes: Buffer) =>
    `/v2/${NAME}/blobs/${await pushBlob(shoal.url('proxy-1', 'registry'), NAME, bytes)}`
  const path = await push(blob)
  const warmUp = await push(blob.subarray(0, WARM_UP_BYTES))
  const rounds: Round[] = []
  for (let i = 0; i < ROUNDS; i += 1) {
    await coldAgent(shoal)
    await one(shoal.url('agent-1', 'registry') + warmUp, WARM_UP_BYTES)
    await using mirror = await startDebianRegistry({ proxyOf: upstreamUrl })
    const nginx = await one(nginxUrl, size)
    const before = await uses(shoal)
    const times = await one(shoal.url('agent-1', 'registry') + path, size)
    const after = await uses(shoal)
    const registry = await one(mirror.url + path, size)
    const cpuOf = (id: string) => (after.get(id)?.cpuSeconds ?? 0) - (before.get(id)?.cpuSeconds ?? 0)
    rounds.push({
      nginx,
      shoal: times,
      registry,
      cpu: Object.fromEntries(services.map((id) => [id, cpuOf(id) / (size / GIB)])),
      rss: Object.fromEntries(services.map((id) => [id, after.get(id)?.peakRssMiB ?? 0])),
    })
  }
  return rounds
}

function rowsOf(verify: Verify, rounds: readonly Round[]): readonly (readonly string[])[] {
  const of = (pick: (round: Round) => number, digits = 2) => median(rounds.map(pick)).toFixed(digits)
  const whole = verify === 'whole'
  return [
    [verify, 'shoal first byte, ms', of(({ shoal: { firstByteMs } }) => firstByteMs, 0), '<= 30'],
    [verify, 'shoal total, s', of(({ shoal: { totalMs } }) => totalMs / 1000), ''],
    [verify, 'nginx total, s', of(({ nginx: { totalMs } }) => totalMs / 1000), ''],
    [verify, 'registry total, s', of(({ registry: { totalMs } }) => totalMs / 1000), ''],
    [verify, 'shoal / nginx', of(({ shoal: a, nginx: b }) => a.totalMs / b.totalMs), ''],
    [
      verify,
      'shoal / registry',
      of(({ shoal: a, registry: b }) => a.totalMs / b.totalMs),
      whole ? '<= 1.35' : '<= 1.15',
    ],
    ...services.map((id) => {
      const bound = id !== 'agent-1' ? '' : whole ? '<= 2.0' : '<= 1.5'
      return [verify, `${id} CPU-s per GiB`, of(({ cpu }) => cpu[id] ?? 0), bound] as const
    }),
    ...services.map((id) => [verify, `${id} peak RSS, MiB`, of(({ rss }) => rss[id] ?? 0, 0), ''] as const),
  ]
}

/** curl pulls a blob, which only the origin has, through an agent; compared with nginx and a pull-through registry. */
export async function transferWarm(sizeBytes: number = GIB): Promise<void> {
  const blob = Buffer.allocUnsafe(sizeBytes)
  for (let at = 0; at < sizeBytes; at += 64 * 1024 * 1024) randomFillSync(blob.subarray(at, at + 64 * 1024 * 1024))

  await using files = await tempFolder('bench')
  await writeFile(join(files.path, 'blob'), blob)
  await using nginx = await startNginx({ root: files.path })
  await using upstream = await startDebianRegistry()
  await pushBlob(upstream.url, NAME, blob)
  const baselines = { blob, nginxUrl: `${nginx.url}/blob`, upstreamUrl: upstream.url }
  await one(baselines.nginxUrl, sizeBytes)
  const rows = []
  for (const verify of ['whole', 'pieces'] as const) rows.push(...rowsOf(verify, await roundsWith(verify, baselines)))
  await publish({
    name: 'transfer-warm',
    conditions: [
      `one blob of ${sizeBytes} random bytes, ${ROUNDS} interleaved rounds each, medians, everything in ${process.env['TMPDIR'] ?? '/tmp'}`,
      'the origin has the blob, the agent starts empty in every round and has pulled another 16 MiB; own processes; curl reads over loopback',
      'verify whole: the agent computes the digest of the blob itself, as by default; pieces: it trusts the origin about the whole',
      'nginx serves the same file; registry: a cold docker-registry of Debian in proxy mode in front of another one',
    ],
    columns: ['verify', 'figure', 'median', 'must reach'],
    rows,
  })
}
