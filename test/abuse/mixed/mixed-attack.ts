import { type AbortOptions, systemClock } from '../../../lib/base/index.ts'
import { everySecret, secretOverrides } from '../../kit/secrets.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'
import { type Battlefield, doorsOf } from './battlefield.ts'
import { type HonestLoad, type HonestOp, honestLoad } from './honest-load.ts'
import { memoryOf, type PerProcess, processorOf, watchMemory } from './process-uses.ts'
import { startAttack, type Tallies } from './start-attack.ts'

/** The heap of each service. */
export const HEAP_MIB = 512

const MIB = 2 ** 20
/** Layers of the images that attackers know. */
const KNOWN = [[12 * MIB, MIB], [3 * MIB], [50_000]]
const SIZE = { agents: 2, origins: 2, trackers: 1 }

const clock = systemClock()

/** How long each phase goes on. */
export interface Phases {
  readonly seed: number
  /** Names of those who attack; all when there are none. */
  readonly only?: readonly string[]
  /** Whether an honest client goes on, that has done so many operations in this phase. */
  readonly calm: (done: number) => boolean
  /** The same during the attack, of which so much is known. */
  readonly attacked: (done: number, tallies: Tallies) => boolean
  /** From the end of the calm phase until the base of the memory is read. */
  readonly baseMs: number
  /** At most from the end of the attack until memory is read for the last time. */
  readonly restMs: number
  /** Whether memory is back: then the rest ends earlier. */
  readonly isBack: (base: PerProcess, now: PerProcess) => boolean
  /** Told when a phase begins. */
  readonly tell: (phase: string) => void
}

/** What came out. */
export interface MixedAttack {
  readonly seed: number
  readonly calm: readonly HonestOp[]
  readonly attacked: readonly HonestOp[]
  readonly tallies: Tallies
  /** After the calm phase and a rest, the largest during the attack, and after the rest that follows it. */
  readonly memory: { readonly base: PerProcess; readonly peak: PerProcess; readonly rest: PerProcess }
  /** Share of a processor that each process took, while honest clients were alone and under attack. */
  readonly processor: { readonly calm: PerProcess; readonly attacked: PerProcess }
  /** Processes that ended, by id, and how. */
  readonly crashes: ReadonlyMap<string, string>
  /** Services that are not ready at the end. */
  readonly unready: readonly string[]
  /** Lines of error logs, by what they say. */
  readonly errors: ReadonlyMap<string, number>
}

/** Starts the services, each with a heap of 512 MiB and all secrets set, and attacks them. */
export async function mixedAttack(phases: Phases, options: AbortOptions = {}): Promise<MixedAttack> {
  const { seed, tell } = phases
  await using shoal = await startTopology({
    ...SIZE,
    env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` },
    overrides: [
      ...secretOverrides(),
      ...['agent', 'origin', 'tracker', 'buildIndex', 'proxy'].map((kind) => `${kind}.log=warn`),
      ...['agent.registry.anonymous=none', 'agent.store.capacity=2GB', 'origin.store.capacity=4GB'],
      'tracker.announce.maxInterval=10s',
    ],
  })
  const honest = honestLoad({
    ...{ clock, seed, proxyUrl: shoal.url('proxy-1', 'registry') },
    pullUrls: ['agent-1', 'agent-2', 'proxy-1'].map((id) => shoal.url(id, 'registry')),
  })
  const field = await battlefield({ shoal, honest, phases }, options)
  tell('calm')
  const [calm, calmShares] = await withShares(shoal, () => honest.run(phases.calm, options))
  await clock.sleep(phases.baseMs, options)
  const base = await memoryOf(shoal)
  tell('attack')
  const [{ attacked, tallies, peak }, shares] = await withShares(shoal, () =>
    underAttack({ shoal, honest, field, phases }, options),
  )
  tell('rest')
  const rest = await restOf({ shoal, phases }, base, options)
  return {
    ...{ seed, calm, attacked, tallies, memory: { base, peak, rest } },
    processor: { calm: calmShares, attacked: shares },
    crashes: new Map(shoal.crashes),
    unready: await unreadyOf(shoal, options),
    errors: errorsOf(shoal),
  }
}

interface Setting {
  readonly shoal: Topology
  readonly honest: HonestLoad
  readonly phases: Phases
}

async function battlefield({ shoal, honest, phases }: Setting, options: AbortOptions): Promise<Battlefield> {
  const { read, push, node } = everySecret
  const blobs = []
  for (const sizes of KNOWN) {
    const image = await honest.begin(sizes, options)
    blobs.push(...image.blobs.map((blob) => ({ ...blob, repository: image.repository })))
  }
  const { seed, only = [] } = phases
  return { seed, only, doors: doorsOf(shoal.plan), blobs, secrets: { read, push, node } }
}

interface Scene extends Setting {
  readonly field: Battlefield
}

async function underAttack({ shoal, honest, field, phases }: Scene, options: AbortOptions) {
  await using attack = await startAttack(field)
  const watch = watchMemory(shoal, clock)
  try {
    const attacked = await honest.run((done) => phases.attacked(done, attack.tallies), options)
    return { attacked, tallies: await attack.stop(), peak: watch.peak }
  } finally {
    await watch.stop()
  }
}

/** What the work gave, and the share of a processor that each process took meanwhile. */
async function withShares<T>(shoal: Topology, work: () => Promise<T>): Promise<readonly [T, PerProcess]> {
  const startMs = clock.monotonicMs()
  const before = await processorOf(shoal)
  const result = await work()
  const seconds = (clock.monotonicMs() - startMs) / 1000
  const after = Object.entries(await processorOf(shoal))
  return [result, Object.fromEntries(after.map(([id, spent]) => [id, (spent - (before[id] ?? 0)) / seconds]))]
}

const LOOK_MS = 2000

async function restOf(
  { shoal, phases }: Pick<Setting, 'shoal' | 'phases'>,
  base: PerProcess,
  options: AbortOptions,
): Promise<PerProcess> {
  const { restMs, isBack } = phases
  const endMs = clock.monotonicMs() + restMs
  for (;;) {
    await clock.sleep(LOOK_MS, options)
    const now = await memoryOf(shoal)
    if (isBack(base, now) || clock.monotonicMs() > endMs) return now
  }
}

async function unreadyOf(shoal: Topology, { signal }: AbortOptions): Promise<readonly string[]> {
  const ids = Object.values(shoal.plan).flatMap((list) => list.map(({ id }) => id))
  const states = ids.map(async (id) => {
    const limit = AbortSignal.any([AbortSignal.timeout(10_000), ...(signal ? [signal] : [])])
    const status = await fetch(`${shoal.url(id, 'ops')}/readyz`, { signal: limit }).then(
      (answer) => answer.status,
      () => 0,
    )
    return status === 200 ? [] : [`${id} (${status})`]
  })
  return (await Promise.all(states)).flat()
}

/** What the services logged as errors: how often which sentence, with its code. */
function errorsOf(shoal: Topology): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const [kind, list] of Object.entries(shoal.plan)) {
    for (const line of list.flatMap(({ id }) => shoal.logs(id).split('\n'))) {
      if (!line.includes('"level":"error"')) continue
      const { message, err } = JSON.parse(line) as { message: string; err?: { code?: string } }
      const what = `${kind}: ${message} ${err?.code ?? ''}`.trim()
      counts.set(what, (counts.get(what) ?? 0) + 1)
    }
  }
  return counts
}
