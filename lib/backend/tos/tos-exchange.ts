import { Readable } from 'node:stream'
import { appError } from '../../base/index.ts'
import type { ObjectPage, ObjectStat } from '../backend.ts'
import type { ObjectCondition, Pacing } from '../object-store/object-api.ts'
import { wrongSum } from './checked-body.ts'
import { isMissing, isRecord } from './tos-error.ts'

/** Bytes are passed to the connection in slices of this size. */
const SLICE_BYTES = 256 * 1024

export type TosHeaders = Readonly<Record<string, string | undefined>>

/** Size and etag, from the headers of an answer. */
export function statOf(headers: TosHeaders, size: number): ObjectStat {
  const { etag } = headers
  if (etag === undefined || !Number.isSafeInteger(size)) throw malformed()
  return { size, etag }
}

/** The backend's checksum of an object or part, if the answer has one. */
export function sumOf(headers: TosHeaders): bigint | undefined {
  const text = headers['x-tos-hash-crc64ecma']
  if (text === undefined || text === '') return undefined
  if (!/^\d{1,20}$/.test(text)) throw malformed()
  return BigInt(text)
}

/** @throws BACKEND_UNAVAILABLE when the backend received other bytes than were sent */
export function checkSum(headers: TosHeaders, expected: bigint): void {
  const sum = sumOf(headers)
  if (sum !== undefined && sum !== expected) throw wrongSum()
}

/**
 * A condition on an etag, sent in two headers: older SDKs and those of other languages use TOS's own header, newer ones
 * the HTTP header.
 */
export function matchHeaders(etag: string): { readonly 'if-match': string; readonly 'x-tos-if-match': string } {
  return { 'if-match': etag, 'x-tos-if-match': etag }
}

/** The input of a write request for its condition. */
export function conditionInput({ ifAbsent, ifMatch }: ObjectCondition) {
  return {
    ...(ifAbsent === true ? { forbidOverwrite: true } : {}),
    ...(ifMatch === undefined ? {} : { headers: matchHeaders(ifMatch) }),
  }
}

/** Runs a conditional write: when the required object is missing, the condition has failed. */
export async function refusing<T>({ ifMatch }: ObjectCondition, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (err) {
    if (ifMatch !== undefined && isMissing(err, 'object')) throw appError('BACKEND_PRECONDITION_FAILED', { cause: err })
    throw err
  }
}

/** A body of these bytes. The SDK would cut a Buffer into slices of 16 KiB; larger slices cost less. */
export function streamOf(bytes: Uint8Array, { pace }: Pacing): Readable {
  async function* paced(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      const slice = bytes.subarray(at, at + SLICE_BYTES)
      await pace(slice.length)
      yield slice
    }
  }
  return Readable.from(paced(), { objectMode: false })
}

/** The keys of a listing. @throws BACKEND_UNAVAILABLE for a malformed answer */
export function pageOf(data: unknown): ObjectPage {
  if (!isRecord(data) || !Array.isArray(data['Contents'])) throw malformed()
  const keys = data['Contents'].map((entry: unknown) => {
    if (!isRecord(entry) || typeof entry['Key'] !== 'string') throw malformed()
    return entry['Key']
  })
  return { keys, next: data['IsTruncated'] === true ? keys.at(-1) : undefined }
}

/** The error for an answer that lacks what every TOS answer has. */
export function malformed() {
  const message = 'what answers is no TOS: a header is missing or wrong; check the endpoint'
  return appError('BACKEND_UNAVAILABLE', { message })
}
