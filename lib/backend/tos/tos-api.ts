import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { ObjectApi } from '../object-store/object-api.ts'
import { crc64Of } from './crc64.ts'
import { isMissing } from './tos-error.ts'
import { checkSum, conditionInput, matchHeaders, pageOf, refusing, statOf, streamOf } from './tos-exchange.ts'
import { tosHead } from './tos-head.ts'
import { rangeHeader, readOf } from './tos-read.ts'
import type { TosPlace } from './tos-session.ts'

const ANY_TYPE = 'application/octet-stream'

/** The requests of TOS for single objects, through the SDK. */
export function tosObjects({ session, bucket }: TosPlace): ObjectApi {
  const head = tosHead({ session, bucket })
  return {
    head,
    async get(key, { range, ifMatch, signal }) {
      const input = {
        ...(ifMatch === undefined ? {} : { ifMatch }),
        ...(range === undefined ? {} : { range: rangeHeader(range) }),
      }
      try {
        const answer = await session.run(
          (client) => client.getObjectV2({ bucket, key, dataType: 'stream', ...input }),
          { signal },
        )
        return await readOf({ ...answer, content: readable(answer.data.content) }, range, { signal })
      } catch (err) {
        if (isMissing(err, 'object')) return undefined
        throw err
      }
    },
    async put(key, bytes, { signal, pace, ...condition }) {
      const input = { bucket, key, contentType: ANY_TYPE, contentLength: bytes.length, contentMD5: md5Of(bytes) }
      const { headers } = await refusing(condition, () =>
        session.run(
          (client) => client.putObject({ ...input, body: streamOf(bytes, { pace }), ...conditionInput(condition) }),
          {
            signal,
          },
        ),
      )
      checkSum(headers, crc64Of(bytes))
      return statOf(headers, bytes.length)
    },
    async delete(key, { signal, ifMatch }) {
      try {
        await session.run<unknown>(
          (client) =>
            ifMatch === undefined
              ? client.deleteObject({ bucket, key })
              : client.deleteObjectIf({ bucket, key, headers: matchHeaders(ifMatch) }),
          { signal },
        )
      } catch (err) {
        if (!isMissing(err, 'object')) throw err
      }
    },
    async list(prefix, { after, limit, signal }) {
      const input = {
        bucket,
        prefix,
        maxKeys: limit,
        listOnlyOnce: true,
        ...(after === undefined ? {} : { startAfter: after }),
      }
      const { data } = await session.run((client) => client.listObjectsType2(input), { signal })
      return pageOf(data)
    },
  }
}

const readable = (stream: NodeJS.ReadableStream) => (stream instanceof Readable ? stream : new Readable().wrap(stream))
const md5Of = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('base64')
