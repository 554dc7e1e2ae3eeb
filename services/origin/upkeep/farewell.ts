import {
  type AbortOptions,
  type Clock,
  deadline,
  hasCode,
  inTurns,
  type Startable,
  type TokenBucket,
  throwIfAborted,
  tokenBucket,
} from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import type { BlobReader, UploadInspection } from '../../../lib/store/index.ts'
import type { IngestEnding } from '../bring/ingest-contract.ts'
import { askHoldings } from '../ring/holdings.ts'
import type { Siblings } from '../ring/siblings.ts'
import { type CopyToComponents, copyTo } from './copy-to.ts'

export interface FarewellComponents extends CopyToComponents {
  readonly ingest: IngestEnding
  readonly store: CopyToComponents['store'] & Pick<BlobReader, 'lease'> & Pick<UploadInspection, 'openUploads'>
  readonly siblings: Siblings
  readonly clock: Clock
}

export interface FarewellInit {
  readonly memberId: string
  /** Longest time that it takes, milliseconds. */
  readonly limitMs: number
}

/**
 * What an origin does before it stops, while it still answers. Its clients go on at the other origins, which would read
 * from the backend what only this one has brought. So it begins nothing new, brings to its end what is under way, lets
 * uploads end, and gives what it has brought of late to another origin.
 */
export interface Farewell extends Startable {
  /** It has begun: whoever comes with something new is to go to another origin. */
  readonly hasBegun: boolean
  /** A blob was brought here by this origin. */
  noteBrought(digest: Digest): void
}

/** What was brought before that is pulled from here by few, and is here again soon. */
const RECENT_MS = 60_000
/** Most blobs that are remembered as brought of late. */
const MAX_RECENT = 1_000
/** Copies given at the same time. */
const AT_ONCE = 4
/** An upload without a byte for so long is waited for by nobody. */
const UPLOAD_PAUSE_MS = 1_000
/** Between two looks at the uploads. */
const LOOK_MS = 50

class OriginFarewell implements Farewell {
  readonly #components: FarewellComponents
  readonly #init: FarewellInit
  readonly #recent = new Map<Digest, number>()
  readonly #pace: TokenBucket
  #hasBegun = false

  constructor(components: FarewellComponents, init: FarewellInit) {
    this.#components = components
    this.#init = init
    this.#pace = tokenBucket(components.clock, { ratePerSecond: undefined })
  }

  get hasBegun() {
    return this.#hasBegun
  }

  noteBrought(digest: Digest): void {
    this.#recent.delete(digest)
    this.#recent.set(digest, this.#components.clock.monotonicMs())
    const [oldest] = this.#recent.keys()
    if (this.#recent.size > MAX_RECENT && oldest !== undefined) this.#recent.delete(oldest)
  }

  async start(): Promise<void> {
    this.#hasBegun = false
  }

  async stop(): Promise<void> {
    const { clock, ingest, logger } = this.#components
    this.#hasBegun = true
    const limit = deadline(clock, this.#init.limitMs)
    const handOn = async () => {
      await ingest.finish(limit)
      await this.#giveAway(limit.signal)
    }
    try {
      // One of the two that fails cuts the other off as little as the stop that goes on behind them.
      const ends = await Promise.allSettled([this.#uploadsEnded(limit.signal), this.#hasOthers && handOn()])
      for (const end of ends) {
        if (end.status === 'fulfilled') continue
        if (!limit.expired || !hasCode(end.reason, 'ABORTED')) throw end.reason
        logger.info('stopped before everything under way had ended', { limitMs: this.#init.limitMs })
      }
    } finally {
      limit.release()
    }
  }

  get #hasOthers(): boolean {
    const { cluster } = this.#components
    return cluster.members.some(({ id }) => id !== this.#init.memberId && cluster.isHealthy(id))
  }

  async #uploadsEnded(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#components
    while (store.openUploads().some(({ usedAtMs }) => clock.now() - usedAtMs < UPLOAD_PAUSE_MS)) {
      await clock.sleep(LOOK_MS, { signal })
    }
  }

  /** The last first: most who pull it are still at it. */
  async #giveAway(signal: AbortSignal): Promise<void> {
    const now = this.#components.clock.monotonicMs()
    const recent = [...this.#recent].filter(([, atMs]) => now - atMs < RECENT_MS).map(([digest]) => digest)
    await inTurns(recent.toReversed(), AT_ONCE, async (digest) => {
      try {
        await this.#give(digest, { signal })
      } catch (err) {
        throwIfAborted(signal)
        this.#components.logger.warn('failed to give a blob to another origin before the stop', { digest, err })
      }
    })
  }

  async #give(digest: Digest, { signal }: AbortOptions): Promise<void> {
    const { store, names, cluster } = this.#components
    const { memberId } = this.#init
    const release = store.lease(digest)
    try {
      const blob = store.look(digest)
      const next = cluster.candidates(digest).find(({ id }) => id !== memberId && cluster.isHealthy(id))
      if (blob === undefined || next === undefined) return
      throwIfAborted(signal)
      const [repository] = await names.of(digest)
      const held = await askHoldings(this.#components, { digest, repository }, { memberId, signal })
      if (held.some(({ holding }) => holding.verified)) return
      await copyTo(this.#components, next, blob, { pace: this.#pace, signal })
    } finally {
      release()
    }
  }
}

export function farewell(components: FarewellComponents, init: FarewellInit): Farewell {
  return new OriginFarewell(components, init)
}
