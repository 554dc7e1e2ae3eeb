import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { swarmLimits } from '../../lib/swarm/index.ts'
import { startTopology } from '../kit/topology.ts'
import { curl, publish, useOf } from './measure.ts'
import { pushBlob } from './push.ts'

const MIB = 1024 ** 2
const NAME = 'bench/memory'
const SIZE = 80 * MIB
/** A node at rest gives memory back when the garbage collector has run. */
const REST_MS = swarmLimits.restMs + 60_000

async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

/** One agent pulls one blob after the other, each for the first time. */
export async function memory(pulls = 50): Promise<void> {
  const overrides = ['agent.store.capacity=1GB', 'origin.store.capacity=1GB']
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, overrides })
  const pid = shoal.pid('agent-1')
  const base = await rssOf(pid)
  const during: number[] = []
  for (let at = 0; at < pulls; at += 1) {
    const digest = await pushBlob(shoal.url('proxy-1', 'registry'), NAME, randomBytes(SIZE))
    await curl([`${shoal.url('agent-1', 'registry')}/v2/${NAME}/blobs/${digest}`], SIZE)
    during.push(await rssOf(pid))
  }
  const { peakRssMiB } = await useOf(pid)
  await wait(REST_MS)
  const rest = await rssOf(pid)
  const mib = (value: number | undefined) => (value ?? Number.NaN).toFixed(0)
  await publish({
    name: 'memory',
    conditions: [
      `${pulls} blobs of ${SIZE} random bytes, one after the other, each pushed and then pulled through the agent by curl`,
      `resident memory of the agent's process, MiB; at rest is ${REST_MS / 1000} s after the last pull`,
      `MALLOC_MMAP_THRESHOLD_ is ${process.env['MALLOC_MMAP_THRESHOLD_'] ?? 'not set'}; the agent runs from its TypeScript sources`,
    ],
    columns: ['figure', 'MiB', 'must reach'],
    rows: [
      ['before the first pull', mib(base), ''],
      ...[1, 10, 20, 30, 40, 50]
        .filter((at) => at <= pulls)
        .map((at) => [`after pull ${at}`, mib(during[at - 1]), ''] as const),
      ['peak', mib(peakRssMiB), '<= 250'],
      ['at rest, above the first', mib(rest - base), '<= 30'],
    ],
  })
}
