import { cipherBytes } from '../kit/cipher-bytes.ts'
import { otlpCollector } from '../kit/otlp-collector.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { interruptible } from './interruptible.ts'
import { curl, median, publish, useOf } from './measure.ts'
import { sizeOptions } from './options.ts'
import { pushBlob, pushImage } from './push.ts'

const NAME = 'bench/traces'
const KIB = 1024
const MIB = 1024 * KIB
/** Requests of one curl. */
const AT_ONCE = 500

/** Traces are off, or recorded for this part of the requests. */
const levels = ['off', '0.01', '1'] as const
type Level = (typeof levels)[number]

interface Sizes {
  readonly images: number
  readonly requests: number
  readonly mib: number
}

interface Round {
  /** Median of a manifest by tag and a blob of 1 KiB that the agent does not have, milliseconds. */
  readonly pullMs: number
  /** The same in CPU of all services, milliseconds. */
  readonly pullCpuMs: number
  /** Of the agent, for a small blob in its cache, microseconds. */
  readonly requestUs: number
  /** Of the agent, seconds for each GiB of a large blob that it does not have. */
  readonly cpuPerGib: number
  readonly rssMiB: number
  readonly startMs: number
}

const everybody = ['agent-1', 'origin-1', 'tracker-1', 'build-index-1', 'build-index-2'] as const

/** Processor seconds of these services while `work` runs. */
async function cpuDuring(shoal: Topology, work: () => Promise<unknown>, ids: readonly string[] = ['agent-1']) {
  const used = async () => {
    const uses = await Promise.all(ids.map((id) => useOf(shoal.pid(id))))
    return uses.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
  }
  const before = await used()
  await work()
  return (await used()) - before
}

async function roundAt(level: Level, { images, requests, mib }: Sizes, signal: AbortSignal): Promise<Round> {
  await using collector = await otlpCollector()
  const kinds = ['agent', 'tracker', 'origin', 'buildIndex', 'proxy']
  const on = kinds.flatMap((kind) => [
    `${kind}.tracing.endpoint=${collector.endpoint}`,
    `${kind}.tracing.ratio=${level}`,
  ])
  await using shoal = await startTopology({
    ...{ agents: 1, origins: 1, trackers: 1 },
    overrides: level === 'off' ? [] : on,
  })
  const proxy = shoal.url('proxy-1', 'registry')
  const agent = `${shoal.url('agent-1', 'registry')}/v2/${NAME}`
  const large = await pushBlob(proxy, NAME, Buffer.from(cipherBytes(`traces-${level}`, mib * MIB)))
  const pulls: number[] = []
  const urls: string[][] = []
  for (let i = 0; i < images; i += 1) {
    const image = await pushImage(proxy, NAME, `t${i}`, KIB)
    urls.push([`${agent}/manifests/t${i}`, `${agent}/blobs/${image.layerDigest}`])
  }
  const pulled = async () => {
    for (const pair of urls) {
      const times = await curl(pair, undefined, { signal })
      pulls.push(times.reduce((sum, { totalMs }) => sum + totalMs, 0))
    }
  }
  const pulledSeconds = await cpuDuring(shoal, pulled, everybody)
  const warm = urls[0]?.[1] ?? ''
  const many = Array.from({ length: AT_ONCE }, () => warm)
  const requested = async () => {
    for (let i = 0; i < requests; i += AT_ONCE) await curl(many, KIB, { signal })
  }
  await requested()
  const requestSeconds = await cpuDuring(shoal, requested)
  const pullSeconds = await cpuDuring(shoal, () => curl([`${agent}/blobs/${large}`], mib * MIB, { signal }))
  const { peakRssMiB } = await useOf(shoal.pid('agent-1'))
  const startedMs = performance.now()
  await shoal.stop('agent-1')
  await shoal.start('agent-1')
  return {
    pullMs: median(pulls),
    pullCpuMs: (pulledSeconds / images) * 1000,
    requestUs: (requestSeconds / requests) * 1e6,
    cpuPerGib: (pullSeconds * KIB) / mib,
    rssMiB: peakRssMiB,
    startMs: performance.now() - startedMs,
  }
}

/**
 * What traces cost an agent: off, for 1 % and for all requests, in turns. Arguments: `--rounds 5 --images 40 --requests 5000
 * --mib 256`.
 */
export async function traces(args: readonly string[]): Promise<void> {
  const { rounds, ...sizes } = sizeOptions(args, { rounds: 5, images: 40, requests: 5_000, mib: 256 })
  const measured = new Map<Level, Round[]>(levels.map((level) => [level, []]))
  await interruptible(async (signal) => {
    for (let i = 0; i < rounds; i += 1) {
      for (const level of levels) measured.get(level)?.push(await roundAt(level, sizes, signal))
    }
  })
  const row = (what: string, of: (round: Round) => number, digits: number) => [
    what,
    ...levels.map((level) => median((measured.get(level) ?? []).map(of)).toFixed(digits)),
  ]
  await publish({
    name: 'traces',
    conditions: [
      `${rounds} rounds in turns, medians; fresh services as processes of their own in each, traces in all of them; the collector runs in the bench`,
      `a pull: a manifest by tag and a blob of 1 KiB that the agent does not have; ${sizes.images} of them`,
      `a request: a blob of 1 KiB in the cache of the agent, over kept-alive connections; ${sizes.requests} of them`,
      `a large blob: ${sizes.mib} MiB that the agent does not have`,
      'with traces on, the context of each request is kept for all, recorded or not',
    ],
    columns: ['what', ...levels.map((level) => (level === 'off' ? 'off' : `ratio ${level}`))],
    rows: [
      row('a pull, ms', ({ pullMs }) => pullMs, 1),
      row('CPU of all services for a pull, ms', ({ pullCpuMs }) => pullCpuMs, 1),
      row('CPU of the agent for a request, us', ({ requestUs }) => requestUs, 0),
      row('CPU-s of the agent per GiB of a large blob', ({ cpuPerGib }) => cpuPerGib, 2),
      row('peak RSS of the agent, MiB', ({ rssMiB }) => rssMiB, 0),
      row('stop and start of the agent, ms', ({ startMs }) => startMs, 0),
    ],
  })
}
