import { z } from 'zod'
import { text } from './bounded.ts'
import { byteCountSchema, repositorySchema } from './schemas.ts'

/** Longest line of the answer of a send, in bytes. */
export const MAX_SEND_LINE = 16 * 1024
/** Largest body that asks for a send, in bytes. */
export const MAX_SEND_BODY = 16 * 1024

/** The base URL of a service: http or https, and nothing that is not part of the address. */
const isBaseUrl = (value: string): boolean => {
  if (!URL.canParse(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  return (
    (protocol === 'http:' || protocol === 'https:') && [username, password, search, hash].every((part) => part === '')
  )
}

const baseUrlSchema = text(2048)
  .refine(isBaseUrl, 'must be a URL of http or https without user, query and fragment')
  .transform((value) => value.replace(/\/+$/, ''))

/** What a header can carry as a bearer token. The message never names the value. */
const secretSchema = text(256).regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')

/** An upload at the far origin, which only the origin `member` knows. */
const farUploadSchema = z.object({ id: text(256).min(1), member: text(128).exactOptional() })

/** Where an origin sends a blob to: an origin of another cluster. */
export const sendTargetSchema = z.object({
  /** Base URL of the far origin. */
  url: baseUrlSchema,
  /** The `peering` secret of the far cluster. It is written to no log and to no answer. */
  secret: secretSchema.exactOptional(),
  /** The repository in the far cluster. */
  repository: repositorySchema,
  bytesPerSecond: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).exactOptional(),
  /** Goes on with this upload; when the far origin does not know it any more, a new one begins. */
  upload: farUploadSchema.exactOptional(),
})
export type SendTarget = z.infer<typeof sendTargetSchema>

/** How far a send is. The first one comes before any byte is sent. */
export const sendProgressSchema = z.object({
  /** With it a later send goes on. */
  upload: farUploadSchema,
  /** Bytes of the blob that the far origin has acknowledged, those of earlier sends included. */
  sent: byteCountSchema,
  /** Bytes of the blob. */
  size: byteCountSchema,
})
export type SendProgress = z.infer<typeof sendProgressSchema>

/** The last line: the far cluster has the blob, or what went wrong and at which end. */
export const sendEndSchema = z.union([
  z.object({ done: z.literal(true), size: byteCountSchema }),
  z.object({ error: z.object({ code: text(64), message: text(1024), at: z.enum(['near', 'far']) }) }),
])
export type SendEnd = z.infer<typeof sendEndSchema>

/** Media type of the answer: JSON values, one in each line. */
export const SEND_MEDIA_TYPE = 'application/x-ndjson'
