import { z } from 'zod'
import { isAppError } from '../base/index.ts'
import { type Digest, parseDigest, sampleOf } from '../core/index.ts'

/** A digest of content in its text form. */
export const contentDigest = z.string().transform((text, context): Digest => {
  try {
    return parseDigest(text)
  } catch (err) {
    context.addIssue({ code: 'custom', message: isAppError(err) ? err.message : 'malformed' })
    return z.NEVER
  }
})

/** A registry's host as in image names, with its port if it has one; `*` stands for any characters. */
export const registryPattern = z
  .string()
  .regex(
    /^[a-z0-9.*-]+(?::[0-9*]{1,5})?$/,
    'a registry is a host in lower case, maybe with a port; * for any characters',
  )

/** Matches the text form of repositories; `*` stands for any characters. */
export const repositoryPattern = z
  .string()
  .regex(/^[a-z0-9._/:*-]+$/, 'a repository has lower-case letters, digits, ".", "_", "-", "/", and ":" before a port')
  .refine((pattern) => sampleOf(pattern) !== undefined, {
    message: 'fits no repository; one of ours whose first part has a dot, or is localhost, starts with "./"',
  })
