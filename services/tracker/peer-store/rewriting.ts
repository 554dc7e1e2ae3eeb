import { abortController, anySignal, background, type Clock, type Startable } from '../../../lib/base/index.ts'
import type { PeerRegistry } from '../peer-registry.ts'
import type { SeedRegistry } from '../seeds/seed-registry.ts'
import { MAX_READ } from './scripts.ts'
import type { StoreWrites } from './store-writes.ts'
import { MAX_WAITING, type WriteBehind } from './write-behind.ts'

/** Writes what is in memory again: whenever redis has come back, and so often that it forgets nothing. */
export interface Rewriting extends Startable {
  /** Begins anew, from the first swarm. */
  begin(): void
}

export interface RewritingComponents {
  readonly clock: Clock
  readonly registry: Pick<PeerRegistry, 'ids' | 'records'>
  readonly seeds: Pick<SeedRegistry, 'members' | 'swarmIds' | 'sample'>
  readonly writes: StoreWrites
  readonly queue: Pick<WriteBehind, 'size'>
}

/** Between two rounds: a third of `LIFE_MS`, so that a seed which a round misses is still there at the next. */
const ROUND_MS = 3_600_000
/** How full the queue may be, so that news find room. */
const FILL = MAX_WAITING / 4
/** How often a full queue is looked at again. */
const LOOK_MS = 50
/** Swarms between two turns of the event loop. */
const STRIDE = 200

export function rewriting({ clock, registry, seeds, writes, queue }: RewritingComponents): Rewriting {
  const tasks = background(() => undefined)
  let round = abortController()

  const room = async (at: number, signal: AbortSignal) => {
    if (at % STRIDE === 0) await clock.sleep(0, { signal })
    while (queue.size > FILL) await clock.sleep(LOOK_MS, { signal })
  }
  const rewrite = async (signal: AbortSignal) => {
    for (const [at, { node, ttlMs }] of [...seeds.members()].entries()) {
      await room(at, signal)
      writes.node(node, ttlMs)
    }
    for (const [at, id] of [...registry.ids()].entries()) {
      await room(at, signal)
      for (const { entry, ttlMs, leftBytes } of registry.records(id)) writes.peer(id, entry, ttlMs, leftBytes)
    }
    for (const [at, id] of [...seeds.swarmIds()].entries()) {
      await room(at, signal)
      for (const { peerId } of seeds.sample(id, MAX_READ)) writes.seed(id, peerId)
    }
  }
  const rounds = async (signal: AbortSignal) => {
    for (;;) {
      await rewrite(signal)
      await clock.sleep(ROUND_MS, { signal })
    }
  }

  return {
    begin() {
      round.abort()
      round = abortController()
      const { signal } = round
      tasks.run('rewrite', (ended) => rounds(anySignal([signal, ended])))
    },
    start: () => Promise.resolve(),
    stop: () => tasks.stop(),
  }
}
