import {
  type AppError,
  appError,
  backoffMs,
  type Clock,
  deadline,
  type ErrorCode,
  hasCode,
  isAbort,
  type Random,
  toAppError,
} from '../../../base/index.ts'
import type { Digest, PeerInfo } from '../../../core/index.ts'
import {
  checkHeader,
  type MetainfoChange,
  type MetainfoLog,
  type MetainfoRecord,
  type NamedPeers,
} from '../../../metainfo/index.ts'
import type { MetainfoAsker, MetainfoSource } from '../../outside.ts'
import type { AskedNames } from '../shared/asked-names.ts'

/** Heartbeats come every 5 s; a stream without any record for this long is dead. */
const SILENCE_MS = 15_000
const RECONNECT = { baseMs: 100, maxMs: 3_000, attempts: Number.POSITIVE_INFINITY }

/** What a feed tells its pull; each call is one event. */
export interface FeedEvents {
  /** Something new became known; it is in the log already. */
  onChange(change: NonNullable<MetainfoChange>): void
  /** A tracker has taken the node in as a downloader and names others. */
  onPeers(named: NamedPeers): void
  /** These begin to have the blob. */
  onHint(peers: readonly PeerInfo[]): void
  /** Nothing new, but the source is at work. */
  onHeartbeat(): void
  /** One stream ended early or could not be opened; the feed goes on. */
  onInterrupted(err: AppError): void
  /** The feed is over: METAINFO_CONFLICT, or one of `refusalCodes`. */
  onRefused(err: AppError): void
}

export interface FeedComponents {
  readonly clock: Clock
  readonly random: Random
  readonly metainfo: MetainfoSource
}

export interface FeedInit {
  /** Each stream is opened under the name that is current. */
  readonly names: AskedNames
  /** Only from origins themselves. */
  readonly direct: boolean
  /** Introduces the node with the first request; whoever gets no answer announces itself. */
  readonly asker?: MetainfoAsker | undefined
}

/**
 * Reads the metainfo of a blob into `log`, stream after stream, until the last record has come, an answer is final or
 * `signal` fires. When a blob becomes unknown after its header was seen, the source has forgotten it, and the feed
 * continues.
 */
export async function runMetainfoFeed(
  components: FeedComponents,
  init: FeedInit,
  into: { readonly log: MetainfoLog; readonly events: FeedEvents },
  signal: AbortSignal,
): Promise<void> {
  let { asker } = init
  for (let failures = 0; ; asker = undefined) {
    const known = knows(into.log)
    const blob = init.names.current
    try {
      if (await readStream(components, { ...init, asker }, into, signal)) return
    } catch (err) {
      if (signal.aborted) return
      init.names.failed(blob)
      const failure = asFailure(err)
      if (isFinal(failure, known)) {
        into.events.onRefused(failure)
        return
      }
      into.events.onInterrupted(failure)
    }
    failures = knows(into.log) && !known ? 1 : failures + 1
    const waitMs = backoffMs(RECONNECT, failures, components.random)
    await components.clock.sleep(waitMs, { signal }).catch(() => undefined)
    if (signal.aborted) return
  }
}

/** An abort that does not come from the caller means that the stream was silent for too long. */
function asFailure(err: unknown): AppError {
  return toAppError(isAbort(err) ? appError('REQUEST_TIMEOUT', { cause: err }) : err, 'METAINFO_INCOMPLETE')
}

function knows(log: MetainfoLog): boolean {
  return log.header !== undefined
}

/** What a source answers that it will answer again, however often it is asked. */
const refusalCodes: readonly ErrorCode[] = [
  'BLOB_UNKNOWN',
  'NO_BACKEND_RULE',
  'DIGEST_REFUSED',
  'NAME_INVALID',
  'DIGEST_INVALID',
  'BACKEND_DENIED',
  'BACKEND_REFUSED',
  'BACKEND_CORRUPT',
  'PULL_BLOCKED',
  'UPSTREAM_UNREACHABLE',
]

function isFinal(err: AppError, headerKnown: boolean): boolean {
  if (err.code === 'METAINFO_CONFLICT') return true
  return !headerKnown && hasCode(err, ...refusalCodes)
}

/** True when nothing more can come. @throws METAINFO_INCOMPLETE when the stream ends without its last record */
async function readStream(
  { clock, metainfo }: FeedComponents,
  { names, direct, asker }: FeedInit,
  { log, events }: { readonly log: MetainfoLog; readonly events: FeedEvents },
  outer: AbortSignal,
): Promise<boolean> {
  const silence = deadline(clock, SILENCE_MS, outer)
  const blob = names.current
  try {
    for await (const record of metainfo.open(blob, { signal: silence.signal, direct, asker })) {
      silence.touch()
      if (record.kind === 'peers' || record.kind === 'hint') {
        if (record.kind === 'hint' && !direct) events.onHint(record.peers)
        if (record.kind === 'peers' && asker !== undefined) events.onPeers(record)
        continue
      }
      const change = log.apply(checked(record, blob.digest))
      if (change !== undefined) {
        names.gave(blob)
        events.onChange(change)
      } else if (record.kind === 'heartbeat') events.onHeartbeat()
      if (isLast(record, log) || outer.aborted) return true
    }
    throw appError('METAINFO_INCOMPLETE')
  } finally {
    silence.release()
  }
}

function checked(record: MetainfoRecord, digest: Digest): MetainfoRecord {
  if (record.kind !== 'header') return record
  if (record.header.digest !== digest) {
    throw appError('METAINFO_INVALID', { message: 'the stream belongs to another blob' })
  }
  return { kind: 'header', header: checkHeader(record.header) }
}

/** Inline content needs no further record; `verified` ends only a log that knows every piece. */
function isLast(record: MetainfoRecord, log: MetainfoLog): boolean {
  if (record.kind === 'failed') return true
  return log.verified || (record.kind === 'header' && record.header.data !== undefined)
}
