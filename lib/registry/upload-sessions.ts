import { Readable } from 'node:stream'
import { appError, hasCode, isAppError, nextTurn } from '../base/index.ts'
import { type ByteRange, type Repository, rangeLength } from '../core/index.ts'
import { type Exchange, parseContentRange, refusal } from '../http/index.ts'
import { MAX_BLOB_LENGTH } from '../metainfo/index.ts'
import type { UploadStates } from './signed-upload-state.ts'
import type { UploadSession, Uploads } from './storage.ts'
import type { Traffic } from './traffic.ts'

export interface UploadComponents {
  readonly uploads: Uploads
  readonly states: UploadStates
  readonly traffic: Traffic
}

/** Sessions as requests and answers name them. */
export interface UploadSessions {
  /** The session in the request's path and `_state`. @throws BLOB_UPLOAD_UNKNOWN */
  fromLocation(exchange: Exchange, repository: Repository, id: string): UploadSession
  /** Headers that tell the client the state of the session. */
  headers(repository: Repository, session: UploadSession): Readonly<Record<string, string>>
  /**
   * Appends the body at the offset in its Content-Range or, without one, at the offset for which the Location was
   * signed. So a request that is sent twice cannot append its bytes twice.
   * @throws RANGE_INVALID when the offset is wrong; the answer says where the session stands. BODY_TOO_LARGE
   */
  append(exchange: Exchange, repository: Repository, session: UploadSession): Promise<UploadSession>
}

export function uploadSessions({ uploads, states, traffic }: UploadComponents): UploadSessions {
  const headers = (repository: Repository, session: UploadSession) => ({
    location: `/v2/${repository.name}/blobs/uploads/${encodeURIComponent(session.id)}?_state=${states.sign(repository, session)}`,
    range: receivedRange(session.size),
    'docker-upload-uuid': session.id,
  })

  /** The error that says where the session stands, so that the client can continue from there. */
  const offsetRefused = async (exchange: Exchange, repository: Repository, session: UploadSession) => {
    const now = await uploads.status(repository, session, { signal: exchange.signal })
    const err = appError('RANGE_INVALID', { detail: { size: now.size } })
    return refusal(err, headers(repository, now))
  }

  return {
    headers,
    fromLocation: (exchange, repository, id) => states.verify(repository, id, exchange.query.get('_state') ?? ''),
    async append(exchange, repository, session) {
      const chunk = chunkOf(exchange)
      assertPossible(exchange, chunk?.start ?? session.size)
      const body = received(exchange, chunk, traffic)
      const source = await wholeOrStream(exchange, body)
      const options = { offset: chunk?.start ?? session.size, signal: exchange.signal }
      try {
        return await uploads.append(repository, session, source, options)
      } catch (err) {
        throw hasCode(err, 'UPLOAD_OFFSET') ? await offsetRefused(exchange, repository, session) : err
      } finally {
        if (source instanceof Readable) source.destroy()
        // A stream that is destroyed before its first read never enters its generator.
        body.return(undefined).catch(() => undefined)
      }
    },
  }
}

/** A body that is longer goes on as it comes, even if all of it is there. */
const WHOLE_BYTES = 64 * 1024

type Next = IteratorResult<Uint8Array>

/**
 * A short body that comes at once goes on in one piece, since a stream costs more than a short body; any other one as its
 * bytes come. What came before a failure is given first.
 */
async function wholeOrStream({ req }: Exchange, body: AsyncGenerator<Uint8Array>): Promise<Uint8Array | Readable> {
  const parts: Uint8Array[] = []
  let size = 0
  let coming = toldLater(body.next())
  while (size <= WHOLE_BYTES || req.complete) {
    const isAwaited = size === 0 || req.complete
    const next = await (isAwaited ? coming : Promise.race([coming, nextTurn()])).catch(() => undefined)
    if (next === undefined) break
    if (next.done === true) return Buffer.concat(parts)
    parts.push(next.value)
    size += next.value.byteLength
    coming = toldLater(body.next())
  }
  return Readable.from(joined(parts, coming, body), { objectMode: false })
}

/** Its failure is told to who reads the stream, and nobody may have begun to. */
function toldLater(coming: Promise<Next>): Promise<Next> {
  coming.catch(() => undefined)
  return coming
}

async function* joined(parts: readonly Uint8Array[], coming: Promise<Next>, rest: AsyncGenerator<Uint8Array>) {
  yield* parts
  for (let next = await coming; next.done !== true; next = await rest.next()) yield next.value
}

/** The received bytes in the format of uploads: `0-<last>`, also `0-0` when there are none. */
function receivedRange(size: number): string {
  return `0-${Math.max(0, size - 1)}`
}

/** @throws RANGE_INVALID, SIZE_INVALID when Content-Length contradicts Content-Range */
function chunkOf({ req }: Exchange): ByteRange | undefined {
  const header = req.headers['content-range']
  if (header === undefined) return undefined
  const chunk = parseContentRange(header)?.range
  if (chunk === undefined) {
    throw appError('RANGE_INVALID', { message: 'the Content-Range of a chunk must read <first>-<last>' })
  }
  const declared = req.headers['content-length']
  if (declared !== undefined && Number(declared) !== rangeLength(chunk)) throw sizeInvalid(chunk)
  return chunk
}

/** Refuses more than any blob has, before a byte of it is read. @throws BODY_TOO_LARGE */
function assertPossible({ req }: Exchange, offset: number): void {
  const size = offset + Number(req.headers['content-length'] ?? 0)
  if (size > MAX_BLOB_LENGTH) throw appError('BODY_TOO_LARGE', { detail: { size, limit: MAX_BLOB_LENGTH } })
}

/**
 * Gives the body and counts its bytes. Fails with SIZE_INVALID when the length is not that of Content-Range, and with
 * ABORTED when the client disconnects, so that a storage does not take this for its own failure.
 */
async function* received({ body }: Exchange, chunk: ByteRange | undefined, traffic: Traffic) {
  const expected = chunk && rangeLength(chunk)
  let size = 0
  try {
    for await (const bytes of body) {
      size += bytes.byteLength
      if (expected !== undefined && size > expected) throw sizeInvalid(chunk)
      traffic.received(bytes.byteLength)
      yield bytes
    }
  } catch (err) {
    throw isAppError(err)
      ? err
      : appError('ABORTED', { message: 'the client disconnected during the upload', cause: err })
  }
  if (expected !== undefined && size < expected) throw sizeInvalid(chunk)
}

function sizeInvalid(chunk: ByteRange | undefined) {
  return appError('SIZE_INVALID', { detail: { ...chunk } })
}
