import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../lib/base/index.ts'
import type { InstancePlan } from '../../services/herd/index.ts'
import { startNginx } from '../kit/clients/index.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { type CheckedPull, checkedPulls } from './checked-pull.ts'
import { interruptible } from './interruptible.ts'
import { publish, useOf } from './measure.ts'
import { metricSums } from './metric-sums.ts'
import { numberOptions } from './options.ts'
import { digestOf, pushBlob } from './push.ts'
import {
  type GivenUp,
  givenUpRows,
  type RateCaps,
  type Rates,
  ratesFor,
  type ScalePull,
  scaleColumns,
  scaleRows,
  serverIdealMs,
} from './scale-figures.ts'
import { type ServiceHosts, startHosts, urlOf } from './service-hosts.ts'

const MIB = 1024 ** 2
const MB = 1e6
const NAME = 'bench/swarm'
/** Bytes that each agent pulls before, so that its code has run. */
const WARM_UP_BYTES = 16 * 1024
/** Milliseconds until a pull is given up. */
const LIMIT_MS = 180_000
/** Milliseconds after the last byte that still belong to a pull: files are completed, seeds are announced. */
const SETTLE_MS = 1000
/** A server without a swarm that would take longer is computed only. */
const MAX_SERVER_MS = 60_000
const SCRAPES_AT_ONCE = 16

const clock = systemClock()
const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)

interface Load {
  readonly agents: number
  readonly layers: number
  readonly bytes: number
  readonly rates: Rates
}

/** What all processes have used and counted so far. */
interface Reading {
  readonly cpu: { readonly agents: number; readonly others: number }
  readonly sent: ReadonlyMap<string, number>
  readonly received: number
  readonly wasted: number
}

async function metricsOf(instances: readonly InstancePlan[]): Promise<readonly string[]> {
  const texts: string[] = []
  for (let at = 0; at < instances.length; at += SCRAPES_AT_ONCE) {
    const some = instances.slice(at, at + SCRAPES_AT_ONCE)
    texts.push(...(await Promise.all(some.map(async (each) => (await fetch(`${urlOf(each, 'ops')}/metrics`)).text()))))
  }
  return texts
}

async function reading({ plan, pids }: ServiceHosts): Promise<Reading> {
  const ofAgents = await Promise.all(pids.agents.map(useOf))
  const others = (await useOf(pids.others)).cpuSeconds
  const texts = await metricsOf(plan.agent)
  const received = metricSums(texts, 'shoal_received_bytes_total', 'from') ?? new Map<string, number>()
  return {
    cpu: { agents: sum(ofAgents.map(({ cpuSeconds }) => cpuSeconds)), others },
    sent: metricSums(await metricsOf(plan.origin), 'shoal_sent_bytes_total', 'to') ?? new Map<string, number>(),
    received: (received.get('peer') ?? 0) + (received.get('origin') ?? 0),
    wasted: sum((metricSums(texts, 'shoal_swarm_wasted_bytes_total', 'why') ?? new Map<string, number>()).values()),
  }
}

/** Pushes fresh layers; returns what follows the URL of a registry, and the digest, of each. */
async function pushLayers({ plan }: ServiceHosts, sizes: readonly number[]): Promise<readonly CheckedPull[]> {
  const [proxy] = plan.proxy
  if (proxy === undefined) throw new Error('there is no proxy')
  const layers: CheckedPull[] = []
  for (const size of sizes) {
    const digest = await pushBlob(urlOf(proxy, 'registry'), NAME, randomBytes(size))
    layers.push({ url: `/v2/${NAME}/blobs/${digest}`, digest })
  }
  return layers
}

const atAgents = ({ plan }: ServiceHosts, layers: readonly CheckedPull[]) =>
  plan.agent.map((agent) => layers.map((layer) => ({ ...layer, url: urlOf(agent, 'registry') + layer.url })))

/** All agents pull fresh layers at once. */
async function pullOnce(hosts: ServiceHosts, load: Load, signal: AbortSignal): Promise<ScalePull> {
  const sizes = Array.from({ length: load.layers }, () => Math.ceil(load.bytes / load.layers))
  const clients = atAgents(hosts, await pushLayers(hosts, sizes))
  const before = await reading(hosts)
  const times = await checkedPulls(clients, signal)
  await clock.sleep(SETTLE_MS, { signal })
  const after = await reading(hosts)
  const sent = (to: string) => (after.sent.get(to) ?? 0) - (before.sent.get(to) ?? 0)
  return {
    ...load,
    bytes: sum(sizes),
    firstByteMs: times.map(({ firstByteMs }) => firstByteMs),
    finishMs: times.map(({ totalMs }) => totalMs),
    serverMs: undefined,
    fromOrigin: { wire: sent('peer'), http: sent('client') },
    received: after.received - before.received,
    wasted: after.wasted - before.wasted,
    cpuSeconds: {
      agents: after.cpu.agents - before.cpu.agents,
      others: after.cpu.others - before.cpu.others,
    },
  }
}

/** The slowest of as many clients of nginx, which gives each an equal share of the origin's rate. */
async function serverOnce({ agents, bytes, rates }: Load, signal: AbortSignal): Promise<number> {
  await using files = await tempFolder('bench')
  await using nginx = await startNginx({ root: files.path, answerRate: Math.floor(rates.origin / agents) })
  const content = randomBytes(bytes)
  await writeFile(join(files.path, 'blob'), content)
  const blob = { url: `${nginx.url}/blob`, digest: digestOf(content) }
  const times = await checkedPulls(
    Array.from({ length: agents }, () => [blob]),
    signal,
  )
  return Math.max(...times.map(({ totalMs }) => totalMs))
}

interface Size {
  readonly agents: readonly number[]
  readonly layers: readonly number[]
  readonly mib: number
  readonly agentsPerProcess: number
  readonly caps: RateCaps
}

function sizeOf(args: readonly string[]): Size {
  const values = numberOptions(args, {
    agents: [10, 50, 100, 200, 500],
    layers: [1, 4],
    mib: [8],
    'per-process': [125],
    'total-mb': [60],
    'agent-mb': [2],
    'origin-shares': [4],
  })
  const one = ([value = 0]: readonly number[]) => value
  return {
    agents: values.agents,
    layers: values.layers,
    mib: one(values.mib),
    agentsPerProcess: one(values['per-process']),
    caps: {
      total: one(values['total-mb']) * MB,
      perAgent: one(values['agent-mb']) * MB,
      originShares: one(values['origin-shares']),
    },
  }
}

/** Fresh services for one number of agents; a pull for each number of layers, after one that warms up. */
async function pullsWith(agents: number, size: Size, signal: AbortSignal): Promise<readonly (ScalePull | GivenUp)[]> {
  const rates = ratesFor(agents, size.caps)
  const overrides = [
    `agent.limits.upload=${rates.agent}B/s`,
    `agent.limits.download=${rates.agent}B/s`,
    `origin.limits.upload=${rates.origin}B/s`,
    'agent.store.minFree=1MiB',
  ]
  await using hosts = await startHosts({ agents, agentsPerProcess: size.agentsPerProcess, overrides, signal })
  process.stderr.write(`${agents} agents have started\n`)
  await checkedPulls(atAgents(hosts, await pushLayers(hosts, [WARM_UP_BYTES])), signal)
  const pulls: (ScalePull | GivenUp)[] = []
  for (const layers of size.layers) {
    const limit = AbortSignal.timeout(LIMIT_MS)
    const load = { agents, layers, bytes: size.mib * MIB, rates }
    try {
      pulls.push(await pullOnce(hosts, load, AbortSignal.any([signal, limit])))
    } catch (error) {
      if (!limit.aborted || signal.aborted) throw error
      pulls.push({ agents, layers, afterMs: LIMIT_MS })
    }
    process.stderr.write(`${agents} agents are done with ${layers} layers\n`)
  }
  return pulls
}

/**
 * Many agents with limited rates pull the same fresh blobs at once, as one layer and as several. Arguments:
 * `--agents 10,50,100,200,500 --layers 1,4 --mib 8`; the rates, `--total-mb 60 --agent-mb 2 --origin-shares 4`; and
 * `--per-process 125`, since the connections of more agents would need more files than a process may open.
 */
export async function swarm(args: readonly string[]): Promise<void> {
  const size = sizeOf(args)
  const smallest = Math.min(...size.agents)
  const pulls = await interruptible(async (signal) => {
    const load = { agents: smallest, layers: 1, bytes: size.mib * MIB, rates: ratesFor(smallest, size.caps) }
    const serverMs = serverIdealMs(load) > MAX_SERVER_MS ? undefined : await serverOnce(load, signal)
    const all: (ScalePull | GivenUp)[] = []
    for (const agents of size.agents) all.push(...(await pullsWith(agents, size, signal)))
    return all.map((pull) =>
      !('afterMs' in pull) && pull.agents === smallest && pull.layers === 1 ? { ...pull, serverMs } : pull,
    )
  })
  const { total, perAgent, originShares } = size.caps
  await publish({
    name: 'swarm',
    conditions: [
      `agents pull ${size.mib} MiB of fresh random bytes at once, as one blob or as layers that each client asks for at once; before, each has pulled ${WARM_UP_BYTES} bytes`,
      `each agent is limited, up and down, to ${perAgent / 1e6} MB/s and all together to ${total / 1e6} MB/s; the origin, which has all bytes, gives at most as much as ${originShares} agents`,
      `each agent has its own sockets and store; at most ${size.agentsPerProcess} share a process; one origin, one tracker, two build-indexes and one proxy share another; loopback, everything in ${process.env['TMPDIR'] ?? '/tmp'}`,
      'the bench reads from all agents over HTTP and compares the SHA-256 of what came; verify is whole, as by default',
      'the shortest possible: the bytes at the rate of one agent; without a swarm: the server gives its rate to as many clients in equal shares',
      `CPU until ${SETTLE_MS} ms after the last byte`,
    ],
    columns: scaleColumns,
    rows: pulls.flatMap((pull) => ('afterMs' in pull ? givenUpRows(pull) : scaleRows(pull))),
    raw: pulls,
  })
}
