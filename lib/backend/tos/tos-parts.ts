import type { AbortOptions } from '../../base/index.ts'
import type { ObjectStat } from '../backend.ts'
import type { MultipartApi } from '../object-store/object-api.ts'
import { crc64Of } from './crc64.ts'
import { type SentBytes, sentParts } from './sent-parts.ts'
import { isMissing } from './tos-error.ts'
import { checkSum, malformed, matchHeaders, refusing, statOf, streamOf, sumOf } from './tos-exchange.ts'
import type { TosPlace } from './tos-session.ts'

/** The multipart uploads of TOS, through the SDK. */
export function tosParts(place: TosPlace): MultipartApi {
  const { session, bucket } = place
  const sent = sentParts()

  return {
    async create(key, { signal }) {
      const input = { bucket, key, contentType: 'application/octet-stream' }
      const { data } = await session.run((client) => client.createMultipartUpload(input), { signal })
      if (typeof data.UploadId !== 'string' || data.UploadId === '') throw malformed()
      return data.UploadId
    },
    async part(key, bytes, { uploadId, number, pace, signal }) {
      const input = { bucket, key, uploadId, partNumber: number, headers: { 'content-length': String(bytes.length) } }
      const { headers } = await session.run(
        (client) => client.uploadPart({ ...input, body: streamOf(bytes, { pace }) }),
        {
          signal,
        },
      )
      const crc64 = crc64Of(bytes)
      checkSum(headers, crc64)
      const part = { number, etag: statOf(headers, bytes.length).etag }
      sent.add(part, { size: bytes.length, crc64 })
      return part
    },
    async complete(key, parts, { uploadId, size, signal, ...condition }) {
      // The SDK modifies the headers that it is given.
      const headers = condition.ifMatch === undefined ? {} : { ...matchHeaders(condition.ifMatch) }
      const input = {
        bucket,
        key,
        uploadId,
        parts: parts.map(({ number, etag }) => ({ partNumber: number, eTag: etag })),
        headers,
        ...(condition.ifAbsent === true ? { forbidOverwrite: true } : {}),
      }
      const whole = sent.together(parts)
      try {
        const { headers: answered, data } = await refusing(condition, () =>
          session.run((client) => client.completeMultipartUpload(input), { signal }),
        )
        const etag = answered['etag'] ?? data.ETag
        if (whole !== undefined) checkSum(answered, whole.crc64)
        return statOf({ etag }, size)
      } catch (err) {
        const done =
          isMissing(err, 'upload') && whole !== undefined
            ? await completedBefore(place, { key, whole, signal })
            : undefined
        if (done === undefined) throw err
        return done
      }
    },
    async abort(key, uploadId, { signal }) {
      try {
        await session.run<unknown>((client) => client.abortMultipartUpload({ bucket, key, uploadId }), { signal })
      } catch (err) {
        if (!isMissing(err, 'upload')) throw err
      }
    },
  }
}

/**
 * Looks for the object that an earlier attempt completed although its answer was lost; checksum and size identify it.
 */
async function completedBefore(
  { session, bucket }: TosPlace,
  { key, whole, signal }: AbortOptions & { readonly key: string; readonly whole: SentBytes },
): Promise<ObjectStat | undefined> {
  try {
    const { headers } = await session.run((client) => client.headObject({ bucket, key }), { signal })
    const found = statOf(headers, Number(headers['content-length']))
    return found.size === whole.size && sumOf(headers) === whole.crc64 ? found : undefined
  } catch (err) {
    if (isMissing(err, 'object')) return undefined
    throw err
  }
}
