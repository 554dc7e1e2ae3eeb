import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { systemClock } from '../../lib/base/index.ts'
import { pullSame } from '../kit/pull-same.ts'
import { curlsAtOnce } from './curls-at-once.ts'
import { interruptible } from './interruptible.ts'
import { type ProcessUse, publish, useOf } from './measure.ts'
import { grownBy, metricSums } from './metric-sums.ts'
import { type SwarmPull, swarmColumns, swarmRows } from './swarm-figures.ts'
import { type SwarmImage, type SwarmRig, startSwarmRig } from './swarm-rig.ts'
import { touchMemory } from './touch-memory.ts'

const MIB = 1024 * 1024
/** Milliseconds after the last byte that still belong to a pull: files are completed, seeds are announced. */
const SETTLE_MS = 1000
/** What an agent may need besides the blobs that it keeps. */
const AGENT_MIB = 450
/** Size of the pull whose bytes are compared as they come, as a share of the timed ones. */
const COMPARED = 1 / 4
/** Copies of each blob besides those of the agents: bench, nginx, origin, backend. */
const COPIES = 4
const ORIGIN = 'origin-1'
const TRACKER = 'tracker-1'

interface Size {
  readonly agents: number
  readonly pulls: number
  /** Of all layers of a pull together. */
  readonly mib: number
  /** Numbers of layers, one series of pulls for each. */
  readonly layers: readonly number[]
}

interface Metrics {
  readonly sent: ReadonlyMap<string, number> | undefined
  readonly received: ReadonlyMap<string, number> | undefined
  readonly wasted: ReadonlyMap<string, number> | undefined
}

const clock = systemClock()
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

async function metricsOf({ shoal, agents }: SwarmRig): Promise<Metrics> {
  const text = async (id: string) => (await fetch(`${shoal.url(id, 'ops')}/metrics`)).text()
  const [origin, ...ofAgents] = await Promise.all([ORIGIN, ...agents].map(text))
  return {
    sent: metricSums([origin ?? ''], 'shoal_sent_bytes_total', 'to'),
    received: metricSums(ofAgents, 'shoal_received_bytes_total', 'from'),
    wasted: metricSums(ofAgents, 'shoal_swarm_wasted_bytes_total', 'why'),
  }
}

async function usesOf({ shoal }: SwarmRig, ids: readonly string[]): Promise<readonly ProcessUse[]> {
  return Promise.all(ids.map((id) => useOf(shoal.pid(id))))
}

const registryUrls = ({ shoal }: SwarmRig, id: string, { paths }: SwarmImage) =>
  paths.map((path) => shoal.url(id, 'registry') + path)

/** One pull by all agents between two by as many clients of nginx. */
async function pullOnce(rig: SwarmRig, image: SwarmImage, signal: AbortSignal): Promise<SwarmPull> {
  const { agents } = rig
  const options = { expectBytes: image.layers[0]?.length ?? 0, signal }
  const cpuOf = async (ids: readonly string[]) => sum((await usesOf(rig, ids)).map(({ cpuSeconds }) => cpuSeconds))
  const cpu = async () => Promise.all([agents, [ORIGIN], [TRACKER]].map(cpuOf))
  const nginx = async () => {
    const times = await curlsAtOnce(
      agents.map(() => image.nginxUrls),
      options,
    )
    return Math.max(...times.map(({ totalMs }) => totalMs))
  }
  const nginxBefore = await nginx()
  const metricsBefore = await metricsOf(rig)
  const cpuBefore = await cpu()
  const times = await curlsAtOnce(
    agents.map((id) => registryUrls(rig, id, image)),
    options,
  )
  await clock.sleep(SETTLE_MS, { signal })
  const spent = (await cpu()).map((seconds, i) => seconds - (cpuBefore[i] ?? 0))
  const uses = await usesOf(rig, agents)
  const metrics = await metricsOf(rig)
  const nginxAfter = await nginx()
  const received = grownBy(metricsBefore.received, metrics.received)
  const sent = grownBy(metricsBefore.sent, metrics.sent)
  return {
    nginxMs: (nginxBefore + nginxAfter) / 2,
    firstByteMs: times.map(({ firstByteMs }) => firstByteMs),
    finishMs: times.map(({ totalMs }) => totalMs),
    bytes: sum(image.layers.map(({ length }) => length)),
    cpuSeconds: { agents: spent[0] ?? 0, origins: spent[1] ?? 0, trackers: spent[2] ?? 0 },
    fromOrigins: { wire: sent?.['peer'] ?? 0, http: sent?.['client'] ?? 0 },
    received: (received?.['peer'] ?? 0) + (received?.['origin'] ?? 0),
    wasted: grownBy(metricsBefore.wasted, metrics.wasted),
    peakRssMiB: Math.max(...uses.map(({ peakRssMiB }) => peakRssMiB)),
    rssMiB: Math.max(...uses.map(({ rssMiB }) => rssMiB)),
  }
}

/** Compares what agents answer with the content. @throws when a byte differs */
async function compare(rig: SwarmRig, agents: readonly string[], image: SwarmImage): Promise<void> {
  const pulls = agents.flatMap((id) =>
    registryUrls(rig, id, image).map((url, i) => pullSame(url, image.layers[i] ?? Buffer.alloc(0))),
  )
  await Promise.all(pulls)
}

async function seriesOf({ agents, pulls, mib }: Size, layers: number, signal: AbortSignal): Promise<SwarmPull[]> {
  const layerBytes = Math.ceil((mib * MIB) / layers)
  const imageOf = (bytes: number) => Array.from({ length: layers }, () => bytes)
  const timed = Array.from({ length: pulls }, () => imageOf(layerBytes))
  const images = [...timed, imageOf(Math.ceil(layerBytes * COMPARED))]
  await using rig = await startSwarmRig({ agents, images, signal })
  const series: SwarmPull[] = []
  for (const image of rig.images.slice(0, pulls)) {
    series.push(await pullOnce(rig, image, signal))
    process.stderr.write(`${layers} x ${layerBytes} bytes: pull ${series.length} of ${pulls} is done\n`)
  }
  // The timed clients only count their bytes, because comparing them would slow down both sides. So the bytes are
  // compared afterwards: those of one pull more as they come, and those that the agents keep.
  for (const image of rig.images.slice(pulls)) await compare(rig, rig.agents, image)
  for (const image of rig.images) {
    for (const id of rig.agents) {
      signal.throwIfAborted()
      await compare(rig, [id], image)
    }
  }
  return series
}

function sizeOf(args: readonly string[]): Size {
  const option = (fallback: string) => ({ type: 'string', default: fallback }) as const
  const options = { agents: option('20'), pulls: option('5'), mib: option('64'), layers: option('1,4') }
  const { values } = parseArgs({ args: [...args], options })
  const positive = (name: keyof Size, text = values[name]) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number above 0`)
    return value
  }
  const layers = values.layers.split(',').map((text) => positive('layers', text))
  return { agents: positive('agents'), pulls: positive('pulls'), mib: positive('mib'), layers }
}

/**
 * All agents pull the same fresh blobs at once, several times, as one layer and as four; compared with as many clients
 * of one nginx. Arguments: `--agents 20 --pulls 5 --mib 64 --layers 1,4`.
 */
export async function swarmProcesses(args: readonly string[]): Promise<void> {
  const size = sizeOf(args)
  const { agents, pulls, mib } = size
  const load = loadavg()[0] ?? 0
  const series = await interruptible(async (signal) => {
    await touchMemory(((agents + COPIES) * (pulls + COMPARED) * mib + agents * AGENT_MIB) * MIB, signal)
    const measured: { layers: number; pulls: SwarmPull[] }[] = []
    for (const layers of size.layers) measured.push({ layers, pulls: await seriesOf(size, layers, signal) })
    return measured
  })
  await publish({
    name: 'swarm-processes',
    conditions: [
      `${agents} agents pull ${mib} MiB of fresh random bytes at once, ${pulls} times one after the other, then the same as layers that each client asks for at once; fresh agents for each of the two`,
      'one origin, which has all bytes, one tracker, two build-indexes, one proxy, own processes; verify is whole, as by default',
      `one curl for each agent over loopback; all begin at the same moment; total: the slowest; everything in ${process.env['TMPDIR'] ?? '/tmp'}, which was touched before`,
      'nginx: as many curls ask one nginx for the same bytes, before and after each pull, mean of both',
      `CPU: agents, origin and tracker, until ${SETTLE_MS} ms after the last byte; the origin's copies: payload that it gave to agents by wire and over HTTP`,
      'afterwards, every agent answered with the right bytes, compared one by one, in one smaller pull more and for all blobs that it kept',
      `load average of the machine before: ${load.toFixed(1)}`,
    ],
    columns: ['layers', ...swarmColumns],
    rows: series.flatMap(({ layers, pulls: measured }) => swarmRows(measured).map((row) => [layers, ...row])),
    raw: series,
  })
}
