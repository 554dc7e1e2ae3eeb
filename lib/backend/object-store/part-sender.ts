import type { Readable } from 'node:stream'
import { abortController, onAbort, throwIfAborted } from '../../base/index.ts'
import type { WriteOptions } from '../backend.ts'
import { receive } from '../receive.ts'
import type { ObjectPart } from './object-api.ts'
import type { PartPlan } from './part-plan.ts'

/** Sends one part. The caller does not change `bytes` before it returns. */
export type SendPart = (bytes: Uint8Array, number: number, signal: AbortSignal) => Promise<ObjectPart>

/**
 * Cuts `source` into parts and sends each one when it is full, holding at most `parallel` of them, including the one
 * being filled. The first failure stops everything; when this returns or throws, no part is still being sent.
 * @throws what `source` or `send` failed with, SIZE_INVALID, ABORTED
 */
export async function sendParts(
  send: SendPart,
  source: Readable | Uint8Array,
  { partBytes, parallel, size, signal }: PartPlan & Pick<WriteOptions, 'size' | 'signal'>,
): Promise<readonly ObjectPart[]> {
  const stop = abortController()
  const unfollow = onAbort(signal, () => stop.abort(signal?.reason))
  const sent: Promise<ObjectPart>[] = []
  const busy = new Set<Promise<void>>()
  let failure: { readonly err: unknown } | undefined
  const start = (bytes: Uint8Array) => {
    const part = send(bytes, sent.length + 1, stop.signal)
    const failed = (err: unknown) => {
      failure ??= { err }
      stop.abort(err)
    }
    const settled: Promise<void> = part.then(() => undefined, failed).finally(() => void busy.delete(settled))
    busy.add(settled)
    sent.push(part)
  }
  const room = async () => {
    while (busy.size >= parallel) await Promise.race(busy)
    throwIfAborted(stop.signal)
  }
  try {
    await receive(source, { size, signal: stop.signal }, partFiller({ partBytes, size }, room, start))
    return await Promise.all(sent)
  } catch (err) {
    const first = failure?.err ?? err
    stop.abort(first)
    throw first
  } finally {
    await Promise.all(busy)
    unfollow()
  }
}

/** Copies chunks into buffers of `partBytes` (the last one is smaller) and passes each one on when it is full. */
function partFiller(
  { partBytes, size }: { readonly partBytes: number; readonly size: number },
  room: () => Promise<void>,
  full: (bytes: Uint8Array) => void,
): (chunk: Uint8Array) => Promise<void> {
  let left = size
  let buffer: Buffer | undefined
  let filled = 0
  return async (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (buffer === undefined) {
        await room()
        buffer = Buffer.allocUnsafe(Math.min(partBytes, left))
        filled = 0
      }
      const taken = chunk.subarray(at, at + buffer.length - filled)
      buffer.set(taken, filled)
      at += taken.length
      filled += taken.length
      left -= taken.length
      if (filled < buffer.length) continue
      full(buffer)
      buffer = undefined
    }
  }
}
