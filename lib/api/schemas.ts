import { z } from 'zod'
import { appError, isAppError } from '../base/index.ts'
import {
  parseDigest,
  parseInfoHash,
  parsePeerId,
  parseRepository,
  parseRepositoryName,
  parseSwarmId,
  parseTag,
} from '../core/index.ts'
import { text as boundedText } from './bounded.ts'

/** A zod schema of a string that a parser of lib/core turns into its type. */
export function parsed<T>(parse: (text: string) => T, maxLength: number) {
  return boundedText(maxLength).transform((text, context): T => {
    try {
      return parse(text)
    } catch (err) {
      context.addIssue({ code: 'custom', message: isAppError(err) ? err.message : 'malformed' })
      return z.NEVER
    }
  })
}

const MAX_DIGEST_LENGTH = 256
const MAX_NAME_LENGTH = 255
/** Length of a host of 253 characters with a port, a slash and a name. */
const MAX_REPOSITORY_LENGTH = 515

export const digestSchema = parsed(parseDigest, MAX_DIGEST_LENGTH)
export const infoHashSchema = parsed(parseInfoHash, 40)
export const swarmIdSchema = parsed(parseSwarmId, 40)
export const peerIdSchema = parsed(parsePeerId, 40)
export const repositoryNameSchema = parsed(parseRepositoryName, MAX_NAME_LENGTH)
/** A repository in its text form. */
export const repositorySchema = parsed(parseRepository, MAX_REPOSITORY_LENGTH)
export const tagSchema = parsed(parseTag, 128)
export const byteCountSchema = z.number().int().min(0)

/** An OCI descriptor, without the fields that are not used here. */
export const descriptorSchema = z.object({
  digest: digestSchema,
  mediaType: boundedText(255).min(1),
  size: byteCountSchema,
})

/** Parses the body of a request by its schema. @throws BODY_INVALID and names the wrong fields */
export function parseBody<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw appError('BODY_INVALID', { message: `the body of the request is malformed: ${firstIssue(result.error)}` })
}

/** Parses the answer of another service; a malformed answer is that service's fault. @throws UNKNOWN */
export function parseAnswer<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw appError('UNKNOWN', { message: `the answer of the service is malformed: ${firstIssue(result.error)}` })
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue === undefined ? 'unknown issue' : `${issue.path.join('.') || 'body'}: ${issue.message}`
}
