import { setImmediate as nextTurn } from 'node:timers/promises'
import { MAX_LISTED, type StoredGarbage } from '../../lib/api/index.ts'
import type { Backend } from '../../lib/backend/index.ts'
import { appError, type FakeClock, inTurns, type Random, tokenBucket } from '../../lib/base/index.ts'
import { type Digest, digestOf } from '../../lib/core/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { catalog } from '../../services/build-index/catalog.ts'
import { garbageKeys } from '../../services/build-index/garbage/garbage-keys.ts'
import { GarbageRun, newRun, readRun } from '../../services/build-index/garbage/garbage-run.ts'
import { lookForGarbage } from '../../services/build-index/garbage/garbage-work.ts'
import { BLOB_PREFIX, blobKey, digestOfKey } from '../../services/origin/blob-keys.ts'
import { condemnedBlobs } from '../../services/origin/garbage/condemned.ts'
import { everyCall } from './every-call.ts'
import { type LocalIndex, localIndex } from './local-index.ts'

/** One process: its calls take time, and it may die in the middle of any of them. */
export interface Life {
  /** Calls that it makes before it dies; Infinity: it lives on. */
  left: number
}

export interface GarbageWorld {
  readonly clock: FakeClock
  readonly random: Random
  /** The backend of the index, and that of the blobs. */
  readonly plain: { readonly index: Backend; readonly blobs: Backend }
  readonly graceMs: number
  /** Calls of backends that are under way; time stands still meanwhile. */
  readonly calls: { underWay: number }
  /** Called when a blob was removed from its backend. */
  onRemoved?: () => void
  /** How long after a look for a blob it was linked, or named by a manifest. */
  onSpan?: (ms: number) => void
}

/** What a process does when it is killed. */
export const killed = () => appError('SHUTTING_DOWN', { message: 'killed' })

/** The backend as a process sees it. Of the call in which it dies nobody knows whether it was made. */
export function seenBy({ clock, random, calls }: GarbageWorld, backend: Backend, life: Life): Backend {
  const call = async <T>(make: () => Promise<T>): Promise<T> => {
    if (life.left < 0) throw killed()
    await clock.sleep(1 + Math.floor(random.next() * (random.next() < 0.02 ? 40 : 3)))
    if (life.left < 0) throw killed()
    life.left -= 1
    if (life.left < 0 && random.next() < 0.5) throw killed()
    calls.underWay += 1
    const made = await make().finally(() => {
      calls.underWay -= 1
    })
    if (life.left < 0) throw killed()
    return made
  }
  return everyCall(backend, call)
}

/** Lets time pass whenever nobody waits for a backend, until the work is over. */
export async function passing<T>({ clock, calls }: GarbageWorld, work: Promise<T>): Promise<T> {
  const state = { isOver: false }
  const over = work.finally(() => {
    state.isOver = true
  })
  over.catch(() => undefined)
  while (!state.isOver) {
    if (calls.underWay === 0) await clock.advance(1)
    await nextTurn()
  }
  return over
}

/** The index as a process sees it. */
export function indexOf(world: GarbageWorld, life: Life): LocalIndex {
  return localIndex({ backend: seenBy(world, world.plain.index, life), clock: world.clock, random: world.random })
}

/** Does a look for garbage, or goes on with the one that was left; the process may die. */
export async function lookOnce(world: GarbageWorld, life: Life, dryRun = false) {
  const { clock, random, graceMs, plain } = world
  const { records, tags } = indexOf(world, life)
  const backend = seenBy(world, plain.index, life)
  const left = await readRun(records)
  const id = Buffer.from(random.bytes(6)).toString('hex')
  const report = left?.state === 'running' ? left : newRun({ id, dryRun, graceMs }, clock.now())
  if (report !== left) await records.set(garbageKeys.run, report)
  const run = new GarbageRun({ records, clock }, report)
  const blobs = seenBy(world, plain.blobs, life)
  const readManifest = async (_: unknown, digest: Digest) => {
    const found = await blobs.read(blobKey(digest))
    if (found === undefined) throw appError('MANIFEST_UNKNOWN', { detail: { digest } })
    const bytes = Buffer.concat(await found.body.toArray())
    if (digestOf(bytes) !== digest) throw appError('BACKEND_CORRUPT', { detail: { digest } })
    return bytes
  }
  const pace = tokenBucket(clock, { ratePerSecond: undefined })
  const parts = { backend, records, clock, random, readManifest, pace, logger: silentLogger() }
  await lookForGarbage(
    { ...parts, catalog: catalog({ backend, tags }), stored: storedIn(world, life) },
    run,
    { owner: 'this index', capacity: 64 },
    {},
  )
  await run.end(undefined, {})
  return run.report
}

/** What origins do for the look, without HTTP. */
function storedIn(world: GarbageWorld, life: Life): StoredGarbage {
  const backend = seenBy(world, world.plain.blobs, life)
  const condemned = condemnedBlobs(world)
  return {
    places: async () => ['all'],
    async blobs(_, { last }) {
      const page = await backend.list(BLOB_PREFIX, { after: BLOB_PREFIX + last, limit: 40 })
      const digests = page.keys.map(digestOfKey).filter((digest) => digest !== undefined)
      return { digests, ...(page.next !== undefined && { next: page.next.slice(BLOB_PREFIX.length) }) }
    },
    async condemned(_, { last }) {
      const page = await condemned.list(backend, { last, limit: Math.min(40, MAX_LISTED) })
      return { condemned: page.condemned, ...(page.next !== undefined && { next: page.next }) }
    },
    judge: (_, judgement) =>
      inTurns(judgement.digests, 4, async (digest) => {
        if (judgement.action === 'remove') {
          // A slow origin: what was marked is not what is linked by now.
          await world.clock.sleep(Math.floor(world.random.next() * world.graceMs))
          const removal = await condemned.remove(backend, digest, judgement)
          if (removal.outcome === 'removed') world.onRemoved?.()
          return removal
        }
        const isDone = await condemned[judgement.action](backend, digest, {})
        if (judgement.action === 'condemn') return { outcome: isDone ? 'condemned' : 'waiting' } as const
        return { outcome: isDone ? 'pardoned' : 'kept' } as const
      }),
    held: async () => [],
    drop: async () => undefined,
  }
}
