import { z } from 'zod'
import { sampleOf } from '../core/index.ts'

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
