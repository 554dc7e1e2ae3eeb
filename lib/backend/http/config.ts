import { z } from 'zod'
import { backendLimitsSchema } from '../limits-config.ts'
import { withRepositoryPlace } from '../repository-place.ts'
import { hasWholePlace, placesOf } from './url-template.ts'

/** Read-only files of a web server, with a URL template. */
export const httpSchema = z.strictObject({
  driver: z.literal('http'),
  /**
   * Absolute; `{repository}`, `{digest}`, `{algorithm}`, `{hex}`, `{hex:2}` and `{key}` stand for parts of the
   * requested key.
   */
  url: z
    .string()
    .transform(withRepositoryPlace)
    .refine((template) => /^https?:\/\/[^/{}]+(\/|$)/.test(template), 'must start with http:// or https:// and a host')
    .refine((template) => placesOf(template).every(({ known }) => known), 'has an unknown placeholder')
    .refine(hasWholePlace, 'must hold {digest}, {hex} or {key}, so that each content has its own URL'),
  /** Sent with every request, but not to other hosts after a redirect. */
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/), z.string()).default({}),
  /** PEM file of certificate authorities that are trusted in addition to those of Node. */
  ca: z.string().min(1).exactOptional(),
  limits: backendLimitsSchema,
})

/** Without `limits`, which belong to the governor. */
export type HttpConfig = Omit<z.infer<typeof httpSchema>, 'limits'>
