import { randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { buildResource } from '../kit/resource-stack.ts'
import { startProcess } from '../kit/start-process.ts'
import { startTopology } from '../kit/topology.ts'
import { curlsAtOnce } from './curls-at-once.ts'
import { interruptible } from './interruptible.ts'
import { type Delays, delaysIn, loopColumns, loopRows } from './loop-figures.ts'
import { curl, publish } from './measure.ts'
import { sizeOptions } from './options.ts'
import { pushBlob } from './push.ts'
import { startSwarmRig } from './swarm-rig.ts'
import { coldAgent } from './transfer-warm.ts'

const MIB = 1024 ** 2
const NAME = 'bench/loop'
const WARM_UP_BYTES = 16 * MIB
const [BUSY, IDLE] = ['agent-1', 'agent-2'] as const

interface Size {
  readonly mib: number
  readonly rounds: number
  readonly agents: number
  readonly pulls: number
  readonly layer: number
}

/** The delays of one pull: of who pulls, and of who does nothing meanwhile. */
interface Measured {
  readonly busy: readonly Delays[]
  readonly idle: Delays | undefined
  readonly bare: Delays
}

const bareLoop = () =>
  buildResource(async (stack) => {
    const started = stack.own(
      await startProcess({
        command: process.execPath,
        args: ['--import', 'tsx', join(import.meta.dirname, 'bare-loop.ts')],
        ready({ stdout }) {
          if (!stdout.endsWith('\n')) throw new Error('it has not printed its URL')
          return stdout.trim()
        },
      }),
    )
    return { url: started.ready }
  })

/** The delays since the last time that this URL was read. */
const read = async (url: string): Promise<Delays> => delaysIn(await (await fetch(url)).text())

interface Watched {
  readonly busy: readonly string[]
  readonly idle?: string
  readonly bare: string
}

/** The delays during `work`. All arguments are the URLs of metrics. */
async function during({ busy, idle, bare }: Watched, work: () => Promise<unknown>): Promise<Measured> {
  const all = () => Promise.all([bare, ...(idle === undefined ? [] : [idle]), ...busy].map(read))
  await all()
  await work()
  const [ofBare, ...others] = await all()
  if (ofBare === undefined) throw new Error('no process was read')
  return {
    bare: ofBare,
    idle: idle === undefined ? undefined : others[0],
    busy: others.slice(idle === undefined ? 0 : 1),
  }
}

/** One agent pulls a blob that only the origin has, as in `transfer-warm`; another one is idle. */
async function alone({ mib, rounds }: Size, bare: string, signal: AbortSignal): Promise<readonly Measured[]> {
  await using shoal = await startTopology({ agents: 2, origins: 1, trackers: 1 })
  const bytes = mib * MIB
  const blob = Buffer.allocUnsafe(bytes)
  for (let at = 0; at < bytes; at += 64 * MIB) randomFillSync(blob.subarray(at, at + 64 * MIB))
  const push = async (part: Buffer) =>
    `/v2/${NAME}/blobs/${await pushBlob(shoal.url('proxy-1', 'registry'), NAME, part)}`
  const path = await push(blob)
  const warmUp = await push(blob.subarray(0, WARM_UP_BYTES))
  const metricsOf = (id: string) => `${shoal.url(id, 'ops')}/metrics`
  const all: Measured[] = []
  for (let round = 0; round < rounds; round += 1) {
    await coldAgent(shoal)
    const pull = (of: string) => curl([shoal.url(BUSY, 'registry') + of], undefined, { signal })
    await pull(warmUp)
    all.push(await during({ busy: [metricsOf(BUSY)], idle: metricsOf(IDLE), bare }, () => pull(path)))
    process.stderr.write(`one agent: pull ${round + 1} of ${rounds} is done\n`)
  }
  return all
}

/** Agents in processes of their own pull the same fresh blobs at once. The first pull warms them up. */
async function together(
  { agents, pulls, layer }: Size,
  bare: string,
  signal: AbortSignal,
): Promise<readonly Measured[]> {
  const expectBytes = layer * MIB
  const images = Array.from({ length: pulls + 1 }, () => [expectBytes])
  await using rig = await startSwarmRig({ agents, images, signal })
  const all: Measured[] = []
  for (const { paths } of rig.images) {
    const clients = rig.agents.map((id) => paths.map((path) => rig.shoal.url(id, 'registry') + path))
    const busy = rig.agents.map((id) => `${rig.shoal.url(id, 'ops')}/metrics`)
    all.push(await during({ busy, bare }, () => curlsAtOnce(clients, { expectBytes, signal })))
    process.stderr.write(`${agents} agents: pull ${all.length} of ${images.length} is done\n`)
  }
  return all.slice(1)
}

/**
 * How late the event loops of agents come while they pull. Arguments: `--mib 1024 --rounds 3`, the pulls of one agent;
 * `--agents 20 --pulls 2 --layer 64`, those of a swarm, in MiB.
 */
export async function loop(args: readonly string[]): Promise<void> {
  const size = sizeOptions(args, { mib: 1024, rounds: 3, agents: 20, pulls: 2, layer: 64 })
  const rows = await interruptible(async (signal) => {
    await using bare = await bareLoop()
    const one = await alone(size, bare.url, signal)
    const many = await together(size, bare.url, signal)
    const listed = (measured: readonly Measured[]) => ({
      busy: measured.flatMap(({ busy }) => busy),
      idle: measured.flatMap(({ idle }) => (idle === undefined ? [] : [idle])),
      bare: measured.map(({ bare: each }) => each),
    })
    return [...loopRows('one agent', listed(one)), ...loopRows(`${size.agents} agents`, listed(many))]
  })
  await publish({
    name: 'loop',
    conditions: [
      'how much later than it should the event loop of a process came, looked at every 20 ms, from the beginning of a pull to its end',
      `one agent: ${size.rounds} pulls of ${size.mib} MiB by a cold agent, as in transfer-warm; another agent is idle meanwhile`,
      `${size.agents} agents: own processes, ${size.pulls} pulls of ${size.layer} MiB at once after one that warms them up`,
      'a bare node process: no service at all, on the same machine at the same time; it shows what waiting for a processor costs',
      'each pull of each process has its p50, p99 and longest delay; the table has the median of them, and the largest one',
    ],
    columns: loopColumns,
    rows,
  })
}
