import { Readable } from 'node:stream'
import {
  ASKER_HEADER,
  blobOf,
  CLASS_HEADER,
  HOP_HEADER,
  type HoldingAnswer,
  METAINFO_BEAT_MS,
  originRoutes,
  PRIORITY_HEADER,
  STANDS_ALONE_HEADER,
  WRITE_BACK_HEADER,
} from '../../lib/api/index.ts'
import { type AbortOptions, appError, type TokenBucket } from '../../lib/base/index.ts'
import {
  type BlobRef,
  type ByteRange,
  type Digest,
  digestAlgorithm,
  type LengthBounds,
  type PeerId,
  type PullClass,
  peerIdOfShown,
  pullClasses,
  rangeLength,
  readPriorities,
} from '../../lib/core/index.ts'
import {
  type Content,
  type ContentFacts,
  type Exchange,
  inTouch,
  type LookBudget,
  type Route,
  refusal,
  requireRight,
  sendContent,
  sendEmpty,
  sendJson,
  sendRangedHead,
  sendStream,
} from '../../lib/http/index.ts'
import type { Withheld } from '../../lib/service/index.ts'
import type { BlobReader, BlobUploads, CommittedBlob } from '../../lib/store/index.ts'
import type { HttpAdmission, SwarmEngine } from '../../lib/swarm/index.ts'
import type { BlobNames } from './blob-names.ts'
import type { Ingest, OpenBlob, ReadingOptions } from './bring/ingest-contract.ts'
import { type MetainfoComponents, metainfoStream } from './bring/metainfo-stream.ts'
import type { Refusals } from './bring/refusals.ts'
import { pacedStream } from './paced-stream.ts'
import type { WriteBack } from './push/write-back.ts'

interface ServedBlobs extends Pick<BlobReader, 'open' | 'readAt'>, Pick<BlobUploads, 'createUpload'> {}

export interface BlobRoutesComponents extends MetainfoComponents {
  readonly store: ServedBlobs
  readonly ingest: Ingest
  readonly refusals: Pick<Refusals, 'clear'>
  readonly writeBack: Pick<WriteBack, 'keep'>
  /** As `keepBlob`. */
  readonly keepForLink: (blob: BlobRef, options: AbortOptions) => Promise<number>
  /** For blobs that are nowhere. */
  readonly looks: LookBudget
  /** The share in this node's upload rate that blobs of such a size get at a class. What another origin asks for needs none. */
  readonly pace: (sizeBytes: number, pullClass?: PullClass) => TokenBucket
  readonly admitOverHttp: SwarmEngine['admitOverHttp']
  /** What is given to nobody but other origins. */
  readonly gives: Pick<Withheld, 'check'>
  readonly onReceived: (from: 'client' | 'origin', bytes: number) => void
  readonly onSent: (to: 'client' | 'replica', bytes: number) => void
  readonly names: Pick<BlobNames, 'labelOf'>
  readonly onStored: (blob: BlobRef, stored: CommittedBlob) => void
  /** Whether this origin must keep the blob if it has it; `without` names a member that is about to leave. */
  readonly keeps: (digest: Digest, init: { readonly without: string | undefined }) => boolean
}

/** Whether another origin asks. What it is given goes past the limits of callers. @throws UNAUTHORIZED, DENIED */
function isHop(exchange: Exchange): boolean {
  if (exchange.req.headers[HOP_HEADER] !== '1') return false
  requireRight(exchange, 'ring')
  return true
}

/** The rank of the write-back task that comes with a copy; undefined when the copy comes without a task. */
const rankOf = (exchange: Exchange): number | undefined => {
  const text = exchange.req.headers[WRITE_BACK_HEADER]
  if (text === undefined) return undefined
  if (typeof text === 'string' && /^\d{1,3}$/.test(text)) return Number(text)
  throw appError('REQUEST_INVALID', { message: `the header ${WRITE_BACK_HEADER} must be a whole number below 1000` })
}

/** The length of a whole blob, as the request declares it. */
const declaredTotal = ({ req }: Exchange): Partial<LengthBounds> => {
  const length = req.headers['content-length']
  return length === undefined ? {} : { least: Number(length), most: Number(length) }
}

const factsOf = ({ digest }: BlobRef, size: number): ContentFacts => ({
  tag: digest,
  size,
  mediaType: 'application/octet-stream',
  headers: { 'docker-content-digest': digest },
})

/** How the caller wants a range. A whole body never stands alone, whatever is said of it. */
function readingOf({ req }: Exchange, range: ByteRange, size: number): ReadingOptions {
  const named = req.headers[PRIORITY_HEADER]
  const priority = readPriorities.find((each) => each === named)
  const standsAlone = req.headers[STANDS_ALONE_HEADER] === '1' && rangeLength(range) < size
  return { priority, standsAlone }
}

/** At which class the caller asks. */
const classOf = ({ req }: Exchange): PullClass =>
  pullClasses.find((each) => each === req.headers[CLASS_HEADER]) ?? 'normal'

/** The agent that asks for its swarm; undefined for every other client, whose requests nobody counts. */
const askerOf = (exchange: Exchange): PeerId | undefined => {
  const text = exchange.req.headers[ASKER_HEADER]
  if (typeof text !== 'string' || isHop(exchange)) return undefined
  return peerIdOfShown(text)
}

/** @throws ORIGIN_BUSY when the agent is not given all of the range */
function assertAdmitted(admission: HttpAdmission | undefined): void {
  if (admission === undefined || admission.retryAfterMs === 0) return
  const seconds = Math.ceil(admission.retryAfterMs / 1_000)
  throw refusal(appError('ORIGIN_BUSY', { detail: { ...admission } }), { 'retry-after': String(seconds) })
}

/** Answers with the whole blob or with the one range that the request names. */
async function sendBlob(
  { onSent, pace, admitOverHttp, clock }: Pick<BlobRoutesComponents, 'onSent' | 'pace' | 'admitOverHttp' | 'clock'>,
  exchange: Exchange,
  { size, read }: OpenBlob,
) {
  const open: Content['open'] = async (range, options) => {
    const asker = askerOf(exchange)
    if (asker !== undefined) assertAdmitted(admitOverHttp(blobOf(exchange).digest, asker, range))
    const body = await inTouch(clock, exchange, read(range, { ...options, ...readingOf(exchange, range, size) }))
    return isHop(exchange) ? body : pacedStream(body, pace(size, classOf(exchange)), options)
  }
  const content = { ...factsOf(blobOf(exchange), size), open }
  await sendContent(exchange, content, { onBytes: (bytes) => onSent(isHop(exchange) ? 'replica' : 'client', bytes) })
}

async function* withFirst(
  first: IteratorResult<Uint8Array, unknown>,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    if (first.done !== true) yield first.value
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

/** Origins of other clusters ask before they send. */
const sizeFacts: Omit<Route, 'handle'> = {
  ...{ methods: ['HEAD'], path: originRoutes.blob, summary: 'size of the blob' },
  ...{ right: 'read', orRight: 'replicate' },
}

/** Who is about to link the blob says so: then it also stays. */
function sizeFor({ ingest, keepForLink }: BlobRoutesComponents, exchange: Exchange, blob: BlobRef): Promise<number> {
  if (exchange.query.get('keep') !== 'true') return ingest.size(blob, { hop: isHop(exchange), signal: exchange.signal })
  requireRight(exchange, 'write')
  return keepForLink(blob, exchange)
}

/** Other origins ask only for what somebody has paid for there. */
function looked<T>(
  { looks }: Pick<BlobRoutesComponents, 'looks'>,
  exchange: Exchange,
  work: () => Promise<T>,
): Promise<T> {
  return isHop(exchange) ? work() : looks.during(exchange.req, work)
}

/** What the request is for. @throws PULL_BLOCKED where that is withheld */
function givenTo({ gives }: Pick<BlobRoutesComponents, 'gives'>, exchange: Exchange): BlobRef {
  const blob = blobOf(exchange)
  if (!isHop(exchange)) gives.check(blob)
  return blob
}

const metainfo = (components: BlobRoutesComponents) => async (exchange: Exchange) => {
  const whole = exchange.query.get('whole') === 'true'
  const records = metainfoStream(components, givenTo(components, exchange), {
    hop: isHop(exchange),
    whole,
    signal: exchange.signal,
  })
  // A slow backend is no reason for the reader to take this origin for dead.
  const asked = looked(components, exchange, () => records.next())
  const first = await inTouch(components.clock, exchange, asked, METAINFO_BEAT_MS)
  await sendStream(exchange, {
    status: 200,
    headers: { 'content-type': 'application/vnd.shoal.metainfo.v1' },
    body: Readable.from(withFirst(first, records), { objectMode: false }),
  })
}

/** Routes that read a blob, bring it here, or take a copy of it. */
function readRoutes(components: BlobRoutesComponents): readonly Route[] {
  const { store, ingest, writeBack, clock } = components

  const head = async (exchange: Exchange) => {
    const blob = blobOf(exchange)
    const size = await looked(components, exchange, () => sizeFor(components, exchange, blob))
    sendRangedHead(exchange, factsOf(blob, size))
  }

  const get = async (exchange: Exchange) => {
    const blob = givenTo(components, exchange)
    const { signal } = exchange
    const hop = isHop(exchange)
    const opened = looked(components, exchange, () => ingest.open(blob, { hop, signal }))
    await sendBlob(components, exchange, await inTouch(clock, exchange, opened))
  }

  const put = async (exchange: Exchange) => {
    const blob = blobOf(exchange)
    const rank = rankOf(exchange)
    const upload = await store.createUpload()
    try {
      await upload.append(exchange.body, { offset: 0, signal: exchange.signal, total: declaredTotal(exchange) })
      components.onReceived('origin', upload.size)
      const actual = await upload.digest(digestAlgorithm(blob.digest))
      if (actual !== blob.digest) throw appError('DIGEST_INVALID', { detail: { expected: blob.digest, actual } })
      const { size } = upload
      const label = components.names.labelOf(blob.repository)
      const commit = () => upload.commit(blob.digest, { label })
      const stored = await (rank === undefined ? commit() : writeBack.keep({ blob, size, rank }, commit))
      components.onStored(blob, stored)
      components.refusals.clear(blob)
    } catch (err) {
      await upload.abort()
      throw err
    }
    sendEmpty(exchange, 201)
  }

  return [
    { ...sizeFacts, handle: head },
    { methods: ['GET'], path: originRoutes.blob, right: 'read', summary: 'the blob, with ranges', handle: get },
    { methods: ['PUT'], path: originRoutes.blob, right: 'write', summary: 'takes a copy', handle: put },
    {
      methods: ['GET'],
      path: originRoutes.metainfo,
      right: 'read',
      summary: 'the metainfo stream',
      handle: metainfo(components),
    },
  ]
}

/** Routes that other origins ask before they read the backend. */
function holdingRoutes(components: BlobRoutesComponents): readonly Route[] {
  const { ingest } = components

  const holding = async (exchange: Exchange) => {
    const asker = exchange.query.get('asker') ?? undefined
    const leaving = exchange.query.get('leaving') ?? undefined
    const blob = blobOf(exchange)
    const { size, ranges, verified, claim } = await ingest.holding(blob, { asker })
    const keeps = verified && components.keeps(blob.digest, { without: leaving })
    const answer: HoldingAnswer = { size, ranges: ranges.map(({ start, end }) => [start, end]), verified, claim, keeps }
    sendJson(exchange, 200, answer)
  }

  const held = async (exchange: Exchange) => {
    const blob = blobOf(exchange)
    const { size } = await ingest.holding(blob)
    if (size === undefined) throw appError('RANGE_UNSATISFIABLE', { message: 'nothing of the blob is here' })
    await sendBlob(components, exchange, { size, read: (range, options) => ingest.openHeld(blob, range, options) })
  }

  return [
    { methods: ['GET'], path: originRoutes.holding, right: 'ring', summary: 'what is here of it', handle: holding },
    { methods: ['GET'], path: originRoutes.held, right: 'ring', summary: 'a range of what is here', handle: held },
  ]
}

/** Routes of blobs, for clients and for the other origins. */
export function blobRoutes(components: BlobRoutesComponents): readonly Route[] {
  return [...readRoutes(components), ...holdingRoutes(components)]
}
