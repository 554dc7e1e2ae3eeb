import type { Readable } from 'node:stream'
import { type AbortOptions, type Clock, codeOf } from '../../lib/base/index.ts'
import {
  type BlobRef,
  type ByteRange,
  type Descriptor,
  type PullTerms,
  type Repository,
  rangeLength,
} from '../../lib/core/index.ts'
import type { PullSummary, ReadOptions, SwarmEngine } from '../../lib/swarm/index.ts'
import { type Logger, silentTracer, type TraceIds, type Tracer } from '../../lib/telemetry/index.ts'
import type { LinkedOpen } from './links/index.ts'
import type { PullLog } from './pull-log.ts'
import { pullSpan } from './pull-span.ts'
import type { NamedBlob, PullRequest } from './traced-pull.ts'

export interface PullsComponents {
  readonly engine: Pick<SwarmEngine, 'open'>
  /** Opens only what its repository links. */
  readonly linked: LinkedOpen
  readonly logger: Logger
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Default: no pull belongs to a trace. */
  readonly tracer?: Tracer | undefined
  /** Remembers what each pull waited for. */
  readonly log: Pick<PullLog, 'begin'>
  /** Called with a summary when a pull has ended. */
  readonly onPull: (summary: PullSummary) => void
  /** Called with the outcome of each pull, also of one that could not begin. */
  readonly onEnd?: (outcome: string) => void
}

/** One pull of a blob: from its header to the last byte that the client wants. Pulls of one blob are independent. */
export interface Pull {
  /** Bytes of the whole blob. */
  readonly size: number
  /** Streams the bytes as soon as they are verified; destroying the stream ends the read. */
  open(range: ByteRange, options?: ReadOptions): Promise<Readable>
  /** The content is a manifest that names these. */
  names(blobs: readonly NamedBlob[]): void
  /** Ends and reports the pull; idempotent. Call it in a `finally` after the stream has ended. */
  close(): void
}

export interface FindOptions extends AbortOptions {
  /** Who reads it; default `blob`, a registry client that reads a blob. */
  readonly kind?: PullRequest['kind']
  /** Somebody else has asked whether the repository links it. Default false. */
  readonly proven?: boolean
  /** On which terms it is pulled; default: as usual. */
  readonly terms?: PullTerms | undefined
}

/** What is looked up. */
export interface LookUp extends Pick<FindOptions, 'terms'> {
  readonly repository: Repository
  /** A tag or a digest. */
  readonly reference: string
}

/** Gives blobs of the cluster as streams, and logs where the time and the bytes of each pull went. */
export interface Pulls {
  /**
   * Returns once the size of the blob is known, and that the repository links it. The caller must close the pull.
   * @throws BLOB_UNKNOWN, what the build-indexes fail with, NO_BACKEND_RULE, SOURCES_EXHAUSTED, DIGEST_REFUSED
   */
  find(blob: BlobRef, options?: FindOptions): Promise<Pull>
  /** Looks up what a tag or a digest stands for, which is remembered like a pull. @throws what `work` throws */
  lookUp<Found extends Descriptor | undefined>(asked: LookUp, work: () => Promise<Found>): Promise<Found>
}

const speedOf = ({ totalMs, bytes }: PullSummary): number => {
  const total = Object.values(bytes).reduce((sum, count) => sum + count, 0)
  return totalMs > 0 ? Math.round((total / totalMs) * 1000) : 0
}

/** How a pull ended that came to nothing. */
function outcomeOf(err: unknown): string {
  const code = codeOf(err) ?? 'UNKNOWN'
  return code === 'ABORTED' ? 'left' : code
}

/** A pull that is remembered, and is a span of the trace that it is for. */
function opened({ log, clock, tracer = silentTracer }: PullsComponents, request: PullRequest) {
  const startMs = clock.monotonicMs()
  const entry = log.begin(request)
  const told = pullSpan(tracer, request, startMs)
  return {
    ...entry,
    run: <T>(work: () => T): T => tracer.within(told.span, work),
    end(outcome?: string) {
      entry.end(outcome)
      if (tracer.isOn) told.end(entry.record())
    },
  }
}

export function pulls(components: PullsComponents): Pulls {
  const { engine, linked, logger, onPull, onEnd, tracer = silentTracer } = components
  const report = (ids: TraceIds | undefined) => (summary: PullSummary) => {
    const { digest, size, bytes, firstByteMs, totalMs, lastStepFailed } = summary
    const times = { firstByteMs, totalMs, bytesPerSecond: speedOf(summary) }
    const facts = { digest, size, bytes, ...times, lastStepFailed, ...ids }
    logger.info('pull ended', facts)
    onPull(summary)
    onEnd?.(summary.outcome)
  }

  return {
    async find(blob, { kind = 'blob', proven = false, terms, ...options } = {}) {
      const asksFirst = !proven && linked.asksFirst(blob)
      const request = { kind, repository: blob.repository, reference: blob.digest, asksFirst, terms }
      const traced = opened(components, request)
      const { trace } = traced
      const opening = traced.run(() => (proven ? engine : linked).open(blob, { ...options, trace }))
      const handle = await opening.catch((err: unknown) => {
        traced.end(outcomeOf(err))
        onEnd?.(outcomeOf(err))
        throw err
      })
      traced.follow(() => handle.soFar)
      handle.summary
        .then(report(tracer.ids()))
        .catch((err: unknown) => logger.warn('failed to summarize a pull', { err }))
      return {
        size: handle.size,
        open: async (range, { fills = true, ...reading } = {}) => {
          // Of a whole body there is no rest.
          const how = { pullClass: terms?.pullClass, fills: fills || rangeLength(range) === handle.size }
          return traced.run(() => handle.read(range, { ...reading, ...how }))
        },
        names: (blobs) => traced.names(blobs),
        close: () => {
          handle.close()
          traced.end()
        },
      }
    },
    async lookUp(asked, work) {
      const traced = opened(components, { kind: 'lookup', ...asked })
      try {
        const found = await traced.run(work)
        if (found !== undefined) traced.found(found.digest)
        traced.end(found === undefined ? 'MANIFEST_UNKNOWN' : 'done')
        return found
      } catch (err) {
        traced.end(outcomeOf(err))
        throw err
      }
    },
  }
}
