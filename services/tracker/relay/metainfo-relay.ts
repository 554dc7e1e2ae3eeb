import type { Readable } from 'node:stream'
import type { ElsewhereOptions, MemberStream } from '../../../lib/api/index.ts'
import {
  type AppError,
  abortController,
  anySignal,
  appError,
  type Background,
  type ByteCache,
  background,
  byteCache,
  type Clock,
  type CountCache,
  countCache,
  hasCode,
  isAppError,
  type Startable,
  type Timer,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import type { Cluster, FailedTry } from '../../../lib/cluster/index.ts'
import {
  type BlobRef,
  blobRefKey,
  type Digest,
  type PeerInfo,
  type Repository,
  type SwarmId,
  swarmIdOf,
} from '../../../lib/core/index.ts'
import type { Gauge, Logger, Metrics } from '../../../lib/telemetry/index.ts'
import { type RelayEnd, type RelayLog, relayLog } from './relay-log.ts'
import { type RelayReaderInit, relayReader } from './relay-reader.ts'

/** The part of the origins' client that the relay needs. */
export interface MetainfoOrigins {
  openMetainfoElsewhere(repository: Repository, digest: Digest, options: ElsewhereOptions): Promise<MemberStream>
}

export interface MetainfoRelayComponents {
  readonly origins: MetainfoOrigins
  readonly cluster: Cluster
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface MetainfoRelayInit {
  /** Bytes of complete logs kept for later readers; the least recently used log is dropped first. */
  readonly cacheBytes: number
  /** Most streams to origins at the same time. */
  readonly maxUpstreams: number
  /** How long a stream from an origin goes on after its last reader has left. */
  readonly lingerMs: number
  /** How long the relay remembers that no origin knows a blob; at most a second. */
  readonly missTtlMs: number
}

/** Gives any number of readers the metainfo of a blob through one stream from an origin. */
export interface MetainfoRelay extends Startable {
  /**
   * The encoded records from the first one on. The stream is destroyed with an error when the blob is unknown
   * (BLOB_UNKNOWN), its repository has no backend (NO_BACKEND_RULE), no origin answers (NO_HEALTHY_MEMBER), two
   * origins disagree (METAINFO_CONFLICT), or the relay stops (SHUTTING_DOWN). The caller must consume or destroy it.
   * What `preface` gives comes before the records, and without waiting for an origin when it can.
   * @throws SHUTTING_DOWN, TOOMANYREQUESTS when too many streams are open, and what `pay` throws
   */
  open(blob: BlobRef, options?: RelayOptions): Readable
  /** Tells who waits for the metainfo of a blob of a peer that begins to have it. */
  hint(swarmId: SwarmId, peer: PeerInfo): void
}

export interface RelayOptions extends Pick<RelayReaderInit, 'preface' | 'hinted'> {
  /** Pays for a stream to an origin, if it takes one; the result is called when the blob is found, or may be there. */
  readonly pay?: (() => () => void) | undefined
}

/** A blob whose records are coming in. */
interface Upstream {
  readonly swarmId: SwarmId
  readonly log: RelayLog
  readonly cancel: AbortController
  readers: number
  linger: Timer | undefined
}

const MAX_MISS_TTL_MS = 1_000
const MAX_MISSES = 10_000

export function metainfoRelay(components: MetainfoRelayComponents, init: MetainfoRelayInit): MetainfoRelay {
  return new Relay(components, init)
}

class Relay implements MetainfoRelay {
  readonly #components: MetainfoRelayComponents
  readonly #init: MetainfoRelayInit
  readonly #open = new Map<string, Upstream>()
  readonly #complete: ByteCache<RelayLog>
  /** What the origins said of blobs that none of them knows. */
  readonly #misses: CountCache<AppError>
  readonly #meters: RelayMeters
  readonly #tasks: Background
  #stopped = false

  constructor(components: MetainfoRelayComponents, init: MetainfoRelayInit) {
    const { clock, logger, metrics } = components
    this.#components = components
    this.#init = init
    this.#complete = byteCache(init.cacheBytes, ({ sizeBytes }) => sizeBytes)
    const ttlMs = Math.min(init.missTtlMs, MAX_MISS_TTL_MS)
    this.#misses = countCache(clock, { ttlMs, maxEntries: MAX_MISSES })
    this.#meters = relayMeters(metrics)
    this.#tasks = background((name, err) => logger.error('background task failed', { name, err }))
  }

  open(blob: BlobRef, { pay, ...telling }: RelayOptions = {}): Readable {
    if (this.#stopped) throw appError('SHUTTING_DOWN')
    const key = blobRefKey(blob)
    const ended = this.#complete.get(key) ?? this.#missed(key, blob)
    const reader =
      ended === undefined
        ? this.#join(key, this.#open.get(key) ?? this.#launch(key, blob, pay), telling)
        : relayReader(ended, { ...telling, onClose: () => this.#meters.readers.add(-1) })
    this.#meters.readers.add(1)
    return reader
  }

  hint(swarmId: SwarmId, peer: PeerInfo): void {
    for (const upstream of this.#open.values()) if (upstream.swarmId === swarmId) upstream.log.hint(peer)
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const upstream of this.#open.values()) {
      upstream.linger?.cancel()
      upstream.log.break(appError('SHUTTING_DOWN'))
    }
    await this.#tasks.stop()
    this.#open.clear()
  }

  /** The log of a blob that was unknown a moment ago. */
  #missed(key: string, { digest }: BlobRef): RelayLog | undefined {
    const err = this.#misses.get(key)
    if (err === undefined) return undefined
    const log = relayLog(digest)
    log.break(err)
    return log
  }

  #launch(key: string, blob: BlobRef, pay: RelayOptions['pay']): Upstream {
    if (this.#open.size >= this.#init.maxUpstreams) {
      throw appError('TOOMANYREQUESTS', { message: 'too many metainfo streams are open; ask another tracker' })
    }
    const payBack = pay?.() ?? (() => undefined)
    const upstream: Upstream = {
      swarmId: swarmIdOf(blob.digest),
      log: relayLog(blob.digest),
      cancel: abortController(),
      readers: 0,
      linger: undefined,
    }
    upstream.log.onChange(() => {
      const { length, end } = upstream.log
      if (length !== undefined || (end !== undefined && !isUnknown(end))) payBack()
    })
    this.#open.set(key, upstream)
    this.#tasks.run('metainfo upstream', async (signal) => {
      const either = anySignal([signal, upstream.cancel.signal])
      this.#meters.upstreams.add(1)
      try {
        await fill(this.#components, { blob, log: upstream.log }, either)
      } catch (err) {
        upstream.log.break(err)
      } finally {
        this.#meters.upstreams.add(-1)
        this.#settle(key, upstream)
      }
    })
    return upstream
  }

  #join(key: string, upstream: Upstream, telling: Omit<RelayReaderInit, 'onClose'>): Readable {
    upstream.readers += 1
    upstream.linger?.cancel()
    const onClose = () => {
      this.#meters.readers.add(-1)
      upstream.readers -= 1
      if (upstream.readers > 0 || upstream.log.end !== undefined) return
      upstream.linger = this.#components.clock.setTimer(this.#init.lingerMs, () => this.#close(key, upstream))
    }
    return relayReader(upstream.log, { ...telling, onClose })
  }

  /** Keeps a complete log, remembers an unknown blob for a moment, and forgets everything else. */
  #settle(key: string, upstream: Upstream): void {
    const { end } = upstream.log
    upstream.linger?.cancel()
    if (end?.kind === 'verified') {
      this.#complete.set(key, upstream.log)
      this.#meters.bytes.set(this.#complete.sizeBytes)
    }
    if (isUnknown(end)) this.#misses.set(key, end.err)
    this.#close(key, upstream)
  }

  #close(key: string, upstream: Upstream): void {
    upstream.cancel.abort()
    if (this.#open.get(key) === upstream) this.#open.delete(key)
  }
}

function isUnknown(end: RelayEnd | undefined): end is { readonly kind: 'broken'; readonly err: AppError } {
  return end?.kind === 'broken' && isAppError(end.err) && end.err.code === 'BLOB_UNKNOWN'
}

interface FillTarget {
  readonly blob: BlobRef
  readonly log: RelayLog
}

/**
 * Reads streams from one origin after another until the last record has come. An origin whose stream breaks is left
 * out until another origin has added something.
 * @throws METAINFO_CONFLICT, BLOB_UNKNOWN, NO_HEALTHY_MEMBER and the like when no origin is left; ABORTED
 */
async function fill({ origins, cluster, logger }: MetainfoRelayComponents, target: FillTarget, signal: AbortSignal) {
  const { blob, log } = target
  const { repository, digest, as } = blob
  let after: readonly FailedTry[] = []
  for (;;) {
    const { member, body } = await origins.openMetainfoElsewhere(repository, digest, { after, as, signal })
    const feed = log.feed()
    let err: unknown
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) feed.push(chunk)
      err = appError('METAINFO_INCOMPLETE', { detail: { member: member.id } })
    } catch (thrown) {
      err = thrown
    } finally {
      body.destroy()
    }
    if (log.end !== undefined) return
    throwIfAborted(signal)
    if (hasCode(err, 'METAINFO_CONFLICT')) {
      logger.error('two origins name different hashes for one blob', { digest, member: member.id, err })
      throw err
    }
    logger.warn('a metainfo stream broke; trying another origin', { digest, member: member.id, err })
    cluster.report(member.id, 'failed')
    const sole = cluster.members.length === 1
    after = feed.added > 0 ? (sole ? [] : [{ member, err }]) : [...after, { member, err }]
  }
}

type RelayMeters = Readonly<Record<'readers' | 'upstreams' | 'bytes', Gauge>>

function relayMeters(metrics: Metrics): RelayMeters {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }).with({})
  return {
    readers: gauge('shoal_tracker_relay_readers', 'Metainfo streams to peers.'),
    upstreams: gauge('shoal_tracker_relay_upstreams', 'Metainfo streams from origins.'),
    bytes: gauge('shoal_tracker_relay_bytes', 'Bytes of complete metainfo kept for later readers.'),
  }
}
