import { type CondemnedBlob, MAX_JUDGED, type RemovalOutcome, type StoredGarbage } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, type Clock, hasCode, type TokenBucket } from '../../../lib/base/index.ts'
import { type Digest, parseDigest } from '../../../lib/core/index.ts'
import { keyPages } from '../key-pages.ts'
import { type DigestMarks, digestMarks, WHOLE_SPACE } from './digest-marks.ts'
import type { GarbageRun } from './garbage-run.ts'

/** Digests whose links are known at once: 8 bytes for each. With more, the blobs are looked at in several passes. */
export const MARKED_AT_ONCE = 4_000_000

export interface SweepComponents {
  /** Of the index. */
  readonly backend: Backend
  readonly stored: StoredGarbage
  readonly clock: Clock
  readonly pace: TokenBucket
}

export interface SweepInit {
  /** The name of the index. */
  readonly owner: string
  readonly capacity?: number | undefined
}

/**
 * Looks at all blobs of the backends. One that no repository links is condemned; when it is still condemned after the
 * grace, and still not linked, it is removed. @throws what the backend and the origins throw, GARBAGE_FOREIGN
 */
export async function sweepBlobs(
  components: SweepComponents,
  run: GarbageRun,
  init: SweepInit,
  options: AbortOptions,
): Promise<void> {
  const places = await components.stored.places(options)
  const [begun = '', beganAt = '0'] = run.report.phase === 'blobs' ? run.report.at.split(' ') : []
  for (const place of places.slice(Math.max(0, places.indexOf(begun)))) {
    const start = place === begun ? Number(beganAt) : 0
    for (let from = Number.isFinite(start) ? start : 0; from < WHOLE_SPACE; ) {
      await run.reached({ phase: 'blobs', at: `${place} ${from}` }, options)
      const pass = await markedFrom(components, { from, capacity: init.capacity ?? MARKED_AT_ONCE }, options)
      const sweep = new Sweep(components, run, { ...init, ...pass, place })
      if (!(await sweep.isPossible(options))) break
      await sweep.ofCondemned(options)
      await sweep.ofAll(options)
      from = pass.marks.end
    }
  }
}

/** All that is linked in any repository, as it was at a moment after `markedAtMs` or later. */
async function markedFrom(
  { backend, clock, pace }: SweepComponents,
  init: { readonly from: number; readonly capacity: number },
  options: AbortOptions,
) {
  const markedAtMs = clock.now()
  const marks = digestMarks(init)
  for await (const keys of keyPages(backend, 'index/', { ...options, after: 'index/' })) {
    await pace.take(1, options)
    for (const key of keys) {
      const [, digest] = /\/_(?:blobs|manifests)\/([^/]+)$/.exec(key) ?? []
      if (digest !== undefined) marks.add(parseDigest(digest))
    }
  }
  return { markedAtMs, marks }
}

interface PassInit extends SweepInit {
  readonly place: string
  readonly marks: DigestMarks
  readonly markedAtMs: number
}

/** One pass over one place. */
class Sweep {
  readonly #components: SweepComponents
  readonly #run: GarbageRun
  readonly #init: PassInit

  constructor(components: SweepComponents, run: GarbageRun, init: PassInit) {
    this.#components = components
    this.#run = run
    this.#init = init
  }

  /** False where nothing can be listed; that is noted. */
  async isPossible({ signal }: AbortOptions): Promise<boolean> {
    const { stored } = this.#components
    try {
      await stored.condemned(this.#init.place, { last: '', signal })
      return true
    } catch (err) {
      if (!hasCode(err, 'UNSUPPORTED', 'BACKEND_KEY_INVALID', 'BACKEND_READ_ONLY')) throw err
      this.#run.unsupported(this.#init.place)
      return false
    }
  }

  async ofCondemned({ signal }: AbortOptions): Promise<void> {
    const { stored, pace } = this.#components
    for (let last: string | undefined = ''; last !== undefined; ) {
      await pace.take(1, { signal })
      const page = await stored.condemned(this.#init.place, { last, signal })
      const found = page.condemned.filter(({ digest }) => this.#init.marks.covers(digest))
      await this.#pardon(
        found.map(({ digest }) => digest).filter((digest) => this.#isLinked(digest)),
        { signal },
      )
      await this.#remove(
        found.filter(({ digest }) => !this.#isLinked(digest)),
        { signal },
      )
      last = page.next
    }
  }

  async ofAll({ signal }: AbortOptions): Promise<void> {
    const { stored, pace } = this.#components
    for (let last: string | undefined = ''; last !== undefined; ) {
      await pace.take(1, { signal })
      const page = await stored.blobs(this.#init.place, { last, signal })
      const found = page.digests.filter((digest) => this.#init.marks.covers(digest))
      this.#run.count('blobs', found.length)
      await this.#condemn(
        found.filter((digest) => !this.#isLinked(digest)),
        { signal },
      )
      last = page.next
    }
  }

  #isLinked(digest: Digest): boolean {
    return this.#init.marks.has(digest)
  }

  async #pardon(digests: readonly Digest[], options: AbortOptions): Promise<void> {
    const isDry = this.#run.report.dryRun
    if (isDry) this.#run.count('blobsPardoned', digests.length)
    for (const some of isDry ? [] : chunksOf(digests)) {
      this.#count(await this.#judge('pardon', some, options))
    }
  }

  async #condemn(digests: readonly Digest[], options: AbortOptions): Promise<void> {
    const isDry = this.#run.report.dryRun
    if (isDry) this.#run.count('blobsCondemned', digests.length)
    for (const some of isDry ? [] : chunksOf(digests)) {
      const outcomes = await this.#judge('condemn', some, options)
      this.#run.count('blobsCondemned', outcomes.filter(({ outcome }) => outcome === 'condemned').length)
    }
  }

  async #remove(condemned: readonly CondemnedBlob[], options: AbortOptions): Promise<void> {
    const { markedAtMs } = this.#init
    const { dryRun, graceMs } = this.#run.report
    const ripe = condemned.filter(({ atMs }) => atMs + graceMs <= markedAtMs).map(({ digest }) => digest)
    this.#run.count('blobsWaiting', condemned.length - ripe.length)
    for (const some of chunksOf(ripe)) {
      const held = new Set(await this.#components.stored.held(some, options))
      const free = some.filter((digest) => !held.has(digest))
      this.#run.count('blobsHeld', some.length - free.length)
      if (dryRun) this.#run.count('blobsRemoved', free.length)
      else if (free.length > 0) await this.#removeNow(free, options)
    }
  }

  async #removeNow(digests: readonly Digest[], options: AbortOptions): Promise<void> {
    const outcomes = await this.#judge('remove', digests, options)
    this.#count(outcomes)
    const removed = digests.filter((_, i) => outcomes[i]?.outcome === 'removed')
    if (removed.length > 0) await this.#components.stored.drop(removed, options)
  }

  async #judge(
    action: 'condemn' | 'pardon' | 'remove',
    digests: readonly Digest[],
    options: AbortOptions,
  ): Promise<readonly RemovalOutcome[]> {
    const { place, owner, markedAtMs } = this.#init
    await this.#components.pace.take(digests.length, options)
    const common = { owner, digests }
    const judgement =
      action === 'remove' ? { ...common, action, markedAtMs, graceMs: this.#run.report.graceMs } : { ...common, action }
    return this.#components.stored.judge(place, judgement, options)
  }

  #count(outcomes: readonly RemovalOutcome[]): void {
    for (const { outcome, size = 0 } of outcomes) {
      if (outcome === 'pardoned') this.#run.count('blobsPardoned')
      if (outcome === 'waiting') this.#run.count('blobsWaiting')
      if (outcome !== 'removed') continue
      this.#run.count('blobsRemoved')
      this.#run.count('bytesRemoved', size)
    }
  }
}

function chunksOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / MAX_JUDGED) }, (_, i) =>
    items.slice(i * MAX_JUDGED, (i + 1) * MAX_JUDGED),
  )
}
