import { randomFillSync } from 'node:crypto'
import { type DebianRegistry, startDebianRegistry } from '../kit/clients/index.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { median, publish, useOf } from './measure.ts'
import { sizeOptions } from './options.ts'
import { pushBlob } from './push.ts'

const MIB = 1024 ** 2
const NAME = 'bench/push'
const services = ['proxy-1', 'origin-1'] as const

/** What one push took. */
interface Push {
  readonly seconds: number
  /** Processor time of each process, per GiB. */
  readonly cpu: readonly number[]
}

/** `work` with the processor time that the processes spent meanwhile. */
async function measured(pids: readonly number[], bytes: number, work: () => Promise<void>): Promise<Push> {
  const cpu = () => Promise.all(pids.map(async (pid) => (await useOf(pid)).cpuSeconds))
  const before = await cpu()
  const startedMs = performance.now()
  await work()
  const seconds = (performance.now() - startedMs) / 1000
  const after = await cpu()
  return { seconds, cpu: after.map((used, i) => ((used - (before[i] ?? 0)) * 1024 * MIB) / bytes) }
}

/** Pushes and waits until the origin can give the hash of each piece, which a first pull needs. */
async function pushToShoal(shoal: Topology, bytes: Uint8Array): Promise<void> {
  const digest = await pushBlob(shoal.url('proxy-1', 'registry'), NAME, bytes)
  const path = `/namespace/${encodeURIComponent(NAME)}/blobs/${digest}/metainfo`
  const answer = await fetch(shoal.url('origin-1') + path)
  if (!answer.ok) throw new Error(`the metainfo was answered ${answer.status}: ${await answer.text()}`)
  await answer.arrayBuffer()
}

async function rounds(
  { shoal, registry }: { readonly shoal: Topology; readonly registry: DebianRegistry },
  { mib, count }: { readonly mib: number; readonly count: number },
): Promise<{ readonly shoal: readonly Push[]; readonly registry: readonly Push[] }> {
  const pushes = { shoal: [] as Push[], registry: [] as Push[] }
  const bytes = Buffer.allocUnsafe(mib * MIB)
  const pids = services.map((id) => shoal.pid(id))
  for (let i = 0; i <= count; i += 1) {
    randomFillSync(bytes)
    const ours = await measured(pids, bytes.length, () => pushToShoal(shoal, bytes))
    const theirs = await measured([registry.pid], bytes.length, async () => {
      await pushBlob(registry.url, NAME, bytes)
    })
    // The first round warms both up.
    if (i === 0) continue
    pushes.shoal.push(ours)
    pushes.registry.push(theirs)
  }
  return pushes
}

/** A client pushes random blobs to shoal and to a docker-registry. */
export async function pushCost(args: readonly string[] = []): Promise<void> {
  const { mib, rounds: count } = sizeOptions(args, { mib: 256, rounds: 5 })
  await using shoal = await startTopology({ agents: 0, origins: 1, trackers: 1 })
  await using registry = await startDebianRegistry()
  const pushes = await rounds({ shoal, registry }, { mib, count })
  const of = (all: readonly Push[], figure: (push: Push) => number) => median(all.map(figure)).toFixed(2)
  const row = (name: string, all: readonly Push[], cpu: (push: Push) => number) => [
    name,
    of(all, ({ seconds }) => seconds),
    of(all, cpu),
  ]
  const sum = ({ cpu }: Push) => cpu.reduce((a, b) => a + b, 0)
  await publish({
    name: 'push',
    conditions: [
      `${count} blobs of ${mib} MiB random bytes, each pushed to shoal and then to the other registry, after one to warm both up; medians`,
      'one POST and one PUT by a client in the process of the bench, over loopback; own processes, everything in ' +
        (process.env['TMPDIR'] ?? '/tmp'),
      'shoal: proxy, one origin and a backend in a folder; a push is over when the origin can give the hash of each piece',
      'docker-registry: that of Debian, which keeps the blob in a folder',
    ],
    columns: ['what', 's', 'CPU-s per GiB'],
    rows: [
      row('shoal', pushes.shoal, sum),
      ...services.map((id, i) => row(`of this ${id}`, pushes.shoal, ({ cpu }) => cpu[i] ?? 0).with(1, '')),
      row('docker-registry', pushes.registry, sum),
    ],
    raw: pushes,
  })
}
