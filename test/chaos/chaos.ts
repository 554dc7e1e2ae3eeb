import { type Clock, seededRandom, systemClock } from '../../lib/base/index.ts'
import type { Digest } from '../../lib/core/index.ts'
import { type Clients, clients, type Op } from './clients.ts'
import type { StoreReads } from './cold-store.ts'
import { conductor } from './conductor.ts'
import { pullAll, type Unpulled } from './pull-all.ts'
import { script } from './script.ts'
import { type Stage, type StageInit, startStage } from './stage.ts'
import { type Uses, usesOf } from './uses.ts'

const clock = systemClock()

export interface ChaosInit extends StageInit {
  /** Of each client while nothing is wrong, before the chaos. */
  readonly calmOps: number
  /** Whether the chaos goes on after so many steps. */
  readonly goOn: (steps: number) => boolean
  /** At most between two steps; fewer when pulls end. */
  readonly stepMs: number
  /** How long a request may take before it counts as hung. */
  readonly boundMs: number
  /** How long the pulls after the chaos may try again, in all. */
  readonly patienceMs: number
  /**
   * Whether origins are started again after the chaos, so that they forget that the store has lied: else they do not ask
   * it for a minute after the first time, and for longer after others.
   */
  readonly forgetLies: boolean
  /** At most as many blobs and images are pulled from each listener after the chaos, the last ones. */
  readonly atTheEnd: number
  /** Until memory and descriptors are read for the last time. */
  readonly restMs: number
  /** Told what happens, line by line. */
  readonly tell: (line: string) => void
}

export interface ChaosResult {
  readonly seed: number
  readonly calm: readonly Op[]
  readonly chaos: readonly Op[]
  /** Steps that were taken, as text. */
  readonly steps: readonly string[]
  /** After the chaos: what could not be pulled, and why. */
  readonly unpulled: readonly Unpulled[]
  readonly base: Uses
  readonly rest: Uses
  /** Blobs that the store gave wrong. */
  readonly lied: ReadonlySet<Digest>
  readonly reads: ReadonlyMap<Digest, StoreReads>
  readonly sizes: ReadonlyMap<Digest, number>
  /** Processes that ended though nobody told them to. */
  readonly crashes: ReadonlyMap<string, string>
  /** What services logged as errors, and how often. */
  readonly errors: ReadonlyMap<string, number>
  /** Whether disks were filled: where nobody may mount one, none is. */
  readonly disks: boolean
}

/** Calm, chaos, and peace again. The seed decides what happens, and in which order. */
export async function chaos(init: ChaosInit): Promise<ChaosResult> {
  const { seed, tell } = init
  await using stage = await startStage(clock, init)
  const calm: Op[] = []
  const during: Op[] = []
  let ops = calm
  const conducting = conductor(stage, init)
  const load = clients({
    ...{ clock, seed, stage, boundMs: init.boundMs },
    onEnded(op) {
      ops.push(op)
      if (op.end === 'wrong' || op.end === 'hung') tell(opText(op))
      if (ops === during) conducting.ended()
    },
  })
  tell('calm')
  await load.run((done) => done < init.calmOps)
  await settled(clock, init)
  const base = await usesOf(stage.shoal)
  tell('chaos')
  ops = during
  await underChaos(load, (isOver) =>
    conducting.play(script(stage.world, seededRandom(seed)), (steps) => !isOver() && init.goOn(steps)),
  )
  tell('peace')
  if (init.forgetLies && stage.store.lied.size > 0) await startAgain(stage, stage.world.origins)
  const unpulled = await pullAll(clock, stage, load, init)
  await settled(clock, init)
  const rest = await usesOf(stage.shoal)
  return {
    ...{ seed, calm, chaos: during, steps: conducting.taken, unpulled, base, rest },
    ...{ lied: stage.store.lied, reads: stage.store.reads },
    sizes: new Map(stage.cold.map(({ blob }) => [blob.digest, blob.size])),
    crashes: new Map(stage.shoal.crashes),
    errors: errorsOf(stage),
    disks: stage.world.smallDisks.length > 0,
  }
}

async function startAgain({ shoal }: Stage, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await shoal.stop(id)
    await shoal.start(id)
  }
}

/** Clients are at work as long as the script is played; a failure of either ends both. */
async function underChaos(load: Clients, play: (isOver: () => boolean) => Promise<void>): Promise<void> {
  let over = false
  const end = () => {
    over = true
  }
  const outcomes = await Promise.allSettled([play(() => over).finally(end), load.run(() => !over).finally(end)])
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

const settled = (time: Clock, { restMs }: ChaosInit): Promise<void> => time.sleep(restMs)

export const opText = ({ kind, door, what, end, why, ms }: Op): string =>
  `${end}: ${kind} of ${what} at ${door}, after ${ms.toFixed(0)} ms: ${why}`

function errorsOf({ shoal, earlierLogs }: Stage): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const [kind, list] of Object.entries(shoal.plan)) {
    for (const line of list.flatMap(({ id }) => `${earlierLogs.get(id) ?? ''}\n${shoal.logs(id)}`.split('\n'))) {
      // The last line of a killed process may be half a line.
      if (!line.includes('"level":"error"') || !line.endsWith('}')) continue
      const { message, err } = JSON.parse(line) as { message: string; err?: { code?: string; message?: string } }
      const what = `${kind}: ${message} ${err?.code ?? err?.message ?? ''}`.trim()
      counts.set(what, (counts.get(what) ?? 0) + 1)
    }
  }
  return counts
}
