import { z } from 'zod'
import { parseBody, text } from '../api/index.ts'
import type { AppError } from '../base/index.ts'
import { keysInLowerCase } from './any-case.ts'
import { type ImageTag, parseAddressedTag } from './image-tag.ts'

const prefetchSchema = z.object({ tag: text(1024).default(''), trace_id: text(256).default('') })

/** Which image is to be brought to the origins; `traceId` is the caller's own, and only repeated. */
export interface PrefetchRequest {
  readonly tag: string
  readonly traceId: string
}

/** @throws BODY_INVALID */
export function prefetchRequest(body: unknown): PrefetchRequest {
  const { tag, trace_id: traceId } = parseBody(prefetchSchema, keysInLowerCase(body))
  return { tag, traceId }
}

/** @throws TAG_INVALID, NAME_INVALID */
export const prefetchedImage = ({ tag }: PrefetchRequest): ImageTag => parseAddressedTag(tag)

/** The answer to a prefetch that has begun. Like Kraken it names the image without what stands before it. */
export const prefetchBegun = ({ tag, traceId }: PrefetchRequest) => ({
  tag: tag.slice(tag.lastIndexOf('/') + 1),
  prefetched: true,
  status: 'success',
  message: 'prefetching initiated successfully',
  trace_id: traceId,
})

/** The answer to one that did not begin. */
export const prefetchFailed = (status: 400 | 500, { code, message }: AppError, traceId: string) => ({
  error: status === 400 ? 'Bad Request' : 'Internal Server Error',
  prefetched: false,
  status: 'failure',
  message: `${code}: ${message}`,
  ...(traceId !== '' && { trace_id: traceId }),
})
