import { z } from 'zod'
import { appError, isAppError } from '../base/index.ts'
import { type BlobRef, parseDigest, parseRepository, parseTag, type Tag } from '../core/index.ts'
import { text } from './bounded.ts'

/** What a build-index posts to its webhooks, as far as whoever reads it needs it. */
const messageSchema = z.object({
  type: text(32),
  data: z.object({
    repository: text(515),
    tag: text(128),
    digest: text(256).optional(),
  }),
})

/** A tag that a build-index tells of. */
export interface ToldByWebhook {
  readonly event: string
  /** What was set; undefined when the tag was deleted. */
  readonly target: (BlobRef & { readonly tag: Tag }) | undefined
}

/** What a webhook of a build-index says; undefined when it is no message of one. @throws BODY_INVALID for one that is malformed */
export function toldTag(body: unknown): ToldByWebhook | undefined {
  const parsed = messageSchema.safeParse(body)
  if (!parsed.success) return undefined
  const { type: event, data } = parsed.data
  if (data.digest === undefined) return { event, target: undefined }
  try {
    const [repository, digest, tag] = [parseRepository(data.repository), parseDigest(data.digest), parseTag(data.tag)]
    return { event, target: { repository, digest, tag } }
  } catch (err) {
    if (!isAppError(err)) throw err
    throw appError('BODY_INVALID', { message: err.message, cause: err })
  }
}
