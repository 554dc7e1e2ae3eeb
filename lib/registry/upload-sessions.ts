import { Readable } from 'node:stream'
import { appError, hasCode } from '../base/index.ts'
import { type Exchange, errorBody, sendJson } from '../http/index.ts'
import { type ChunkRange, parseChunkRange, receivedRange } from './content-range.ts'
import type { RepositoryRef, UploadSession, Uploads } from './storage.ts'
import type { Traffic } from './traffic.ts'
import type { UploadStates } from './upload-state.ts'

export interface UploadComponents {
  readonly uploads: Uploads
  readonly states: UploadStates
  readonly traffic: Traffic
}

/** Sessions as they stand in requests and answers. */
export interface UploadSessions {
  /** The session that the request's path and `_state` name. @throws BLOB_UPLOAD_UNKNOWN */
  fromLocation(exchange: Exchange, repository: RepositoryRef, id: string): UploadSession
  /** Headers that tell the client where the session stands. */
  headers(repository: RepositoryRef, session: UploadSession): Readonly<Record<string, string>>
  /**
   * Appends the body: at the chunk's own offset, or else at the one the Location was signed for, so that a request
   * sent twice cannot add its bytes twice. Undefined when the offset was wrong and 416 has been answered.
   */
  append(exchange: Exchange, repository: RepositoryRef, session: UploadSession): Promise<UploadSession | undefined>
}

export function uploadSessions({ uploads, states, traffic }: UploadComponents): UploadSessions {
  const headers = (repository: RepositoryRef, session: UploadSession) => ({
    location: `/v2/${repository.name}/blobs/uploads/${session.id}?_state=${states.sign(repository, session)}`,
    range: receivedRange(session.size),
    'docker-upload-uuid': session.id,
  })

  /** Says where the session stands, so that the client can go on from there. */
  const refuseOffset = async (exchange: Exchange, repository: RepositoryRef, session: UploadSession) => {
    const now = await uploads.status(repository, session, { signal: exchange.signal })
    const err = appError('RANGE_INVALID', { detail: { size: now.size } })
    sendJson(exchange, err.status, errorBody(err, 'registry'), headers(repository, now))
  }

  return {
    headers,
    fromLocation: (exchange, repository, id) => states.verify(repository, id, exchange.query.get('_state') ?? ''),
    async append(exchange, repository, session) {
      const chunk = chunkOf(exchange)
      const source = Readable.from(received(exchange, chunk, traffic), { objectMode: false })
      const options = { offset: chunk?.first ?? session.size, signal: exchange.signal }
      try {
        return await uploads.append(repository, session, source, options)
      } catch (err) {
        if (!hasCode(err, 'UPLOAD_OFFSET')) throw err
        await refuseOffset(exchange, repository, session)
        return undefined
      } finally {
        source.destroy()
      }
    },
  }
}

/** @throws SIZE_INVALID when Content-Length already contradicts Content-Range, RANGE_INVALID */
function chunkOf({ req }: Exchange): ChunkRange | undefined {
  const header = req.headers['content-range']
  if (header === undefined) return undefined
  const chunk = parseChunkRange(header)
  const declared = req.headers['content-length']
  if (declared !== undefined && Number(declared) !== chunk.last - chunk.first + 1) throw sizeInvalid(chunk)
  return chunk
}

/** The body, counted; one of another length than its Content-Range says ends in an error. Leaves the request open. */
async function* received({ req }: Exchange, chunk: ChunkRange | undefined, traffic: Traffic) {
  const expected = chunk === undefined ? undefined : chunk.last - chunk.first + 1
  let size = 0
  for await (const bytes of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    size += bytes.byteLength
    if (expected !== undefined && size > expected) throw sizeInvalid(chunk)
    traffic.received(bytes.byteLength)
    yield bytes
  }
  if (expected !== undefined && size < expected) throw sizeInvalid(chunk)
}

function sizeInvalid(chunk: ChunkRange | undefined) {
  return appError('SIZE_INVALID', { detail: { first: chunk?.first, last: chunk?.last } })
}
