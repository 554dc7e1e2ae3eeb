import type { Readable } from 'node:stream'
import { type AbortOptions, type Clock, hasCode, isAppError } from '../../base/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { ObjectStat, WriteOptions } from '../backend.ts'
import type { Governor } from '../governor.ts'
import { openedOrUndone, settledRequest } from '../opening.ts'
import { receive } from '../receive.ts'
import type { MultipartApi, ObjectApi, ObjectCondition, ObjectPart, Pacing } from './object-api.ts'
import { type PartPlan, partPlan } from './part-plan.ts'
import { type SendPart, sendParts } from './part-sender.ts'

export interface ObjectWriterComponents {
  readonly objects: Pick<ObjectApi, 'head' | 'put'>
  readonly multipart: MultipartApi
  readonly governor: Governor
  readonly logger: Logger
  readonly clock: Clock
}

export interface Expectation extends AbortOptions, ObjectCondition {}

export interface ObjectWriterInit extends PartPlan {
  /** Fails unless the object meets the condition now. */
  readonly expect: (key: string, expectation: Expectation) => Promise<void>
  /** Whether the backend itself checks the condition atomically with the write. */
  readonly atomicConditions: boolean
}

/** Writes small objects with one PUT and larger ones as a multipart upload. */
export interface ObjectWriter {
  write(key: string, source: Readable | Uint8Array, options: WriteOptions): Promise<ObjectStat>
}

export function objectWriter(components: ObjectWriterComponents, init: ObjectWriterInit): ObjectWriter {
  const { objects, multipart, governor, logger, clock } = components
  const request = <T>(work: (signal: AbortSignal) => Promise<T>, { signal }: AbortOptions = {}) =>
    governor.request('write', work, signal === undefined ? {} : { signal })
  const pacing = (signal: AbortSignal): Pacing => ({ pace: (bytes) => governor.sending(bytes, { signal }) })
  const condition = (options: WriteOptions): ObjectCondition => (init.atomicConditions ? conditionOf(options) : {})

  const putWhole = async (key: string, source: Readable | Uint8Array, options: WriteOptions) => {
    const bytes = await collected(source, options)
    if (!init.atomicConditions) await init.expect(key, options)
    return request((signal) => objects.put(key, bytes, { ...condition(options), ...pacing(signal), signal }), options)
  }

  /** When the upload is unknown at the second attempt, the first attempt completed it and its answer was lost. */
  const complete = async (key: string, parts: readonly ObjectPart[], options: WriteOptions & { uploadId: string }) => {
    if (!init.atomicConditions) await init.expect(key, options)
    const { uploadId, size } = options
    let attempts = 0
    return request(async (signal) => {
      attempts += 1
      try {
        return await multipart.complete(key, parts, { ...condition(options), uploadId, size, signal })
      } catch (err) {
        if (attempts === 1 || !isGone(err)) throw err
        const found = await objects.head(key, { signal })
        if (found?.size !== size) throw err
        return found
      }
    }, options)
  }

  const abandon = async (key: string, uploadId: string) => {
    try {
      await request((signal) => multipart.abort(key, uploadId, { signal }))
    } catch (err) {
      logger.warn('failed to abort a multipart upload; let a lifecycle rule of the bucket remove it', { key, err })
    }
  }

  const create = (key: string, options: AbortOptions) => {
    const open = (last: AbortSignal) => multipart.create(key, { signal: last })
    const opening = { open, undo: (uploadId: string) => abandon(key, uploadId) }
    const attempt = (signal: AbortSignal) => openedOrUndone(clock, opening, signal)
    return settledRequest({ governor, operation: 'write' }, attempt, options)
  }

  const upload = async (key: string, source: Readable | Uint8Array, options: WriteOptions) => {
    // The backend checks the condition again at the end; this check avoids sending bytes that it would refuse.
    await init.expect(key, options)
    const uploadId = await create(key, options)
    const send: SendPart = (bytes, number, signal) => {
      const part = (attempt: AbortSignal) =>
        multipart.part(key, bytes, { uploadId, number, ...pacing(attempt), signal: attempt })
      return request(part, { signal })
    }
    try {
      const parts = await sendParts(send, source, { ...options, ...partPlan(options.size, init) })
      return await complete(key, parts, { ...options, uploadId })
    } catch (err) {
      await abandon(key, uploadId)
      throw err
    }
  }

  return {
    write: (key, source, options) => (options.size <= init.partBytes ? putWhole : upload)(key, source, options),
  }
}

function conditionOf({ ifAbsent, ifMatch }: WriteOptions): ObjectCondition {
  return {
    ...(ifAbsent === true ? { ifAbsent } : {}),
    ...(ifMatch === undefined ? {} : { ifMatch }),
  }
}

function isGone(err: unknown): boolean {
  return hasCode(err, 'BACKEND_UNAVAILABLE') && isAppError(err) && err.detail?.['reason'] === 'NoSuchUpload'
}

async function collected(source: Readable | Uint8Array, options: WriteOptions): Promise<Uint8Array> {
  if (ArrayBuffer.isView(source)) {
    await receive(source, options, () => Promise.resolve())
    return source
  }
  const bytes = Buffer.allocUnsafe(options.size)
  let at = 0
  await receive(source, options, async (chunk) => {
    bytes.set(chunk, at)
    at += chunk.length
  })
  return bytes
}
