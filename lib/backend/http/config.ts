import { z } from 'zod'
import { backendLimitsSchema } from '../limits-config.ts'
import { withRepositoryPlace } from '../repository-place.ts'
import { hasWholePlace, placesOf } from './url-template.ts'

/** Files of a web server, by a template of their URL; it is only read. */
export const httpSchema = z.strictObject({
  driver: z.literal('http'),
  /**
   * Absolute; `{repository}`, `{digest}`, `{algorithm}`, `{hex}`, `{hex:2}` and `{key}` stand for parts of what is asked
   * for.
   */
  url: z
    .string()
    .transform(withRepositoryPlace)
    .refine((template) => /^https?:\/\/[^/{}]+(\/|$)/.test(template), 'must start with http:// or https:// and a host')
    .refine((template) => placesOf(template).every(({ known }) => known), 'has a place that is not known')
    .refine(hasWholePlace, 'must hold {digest}, {hex} or {key}, so that every content has a URL of its own'),
  /** Sent with every request, but to no host that it is redirected to. */
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/), z.string()).default({}),
  /** PEM file of certificate authorities that count besides those of Node. */
  ca: z.string().min(1).exactOptional(),
  limits: backendLimitsSchema,
})

/** Without the limits, which the governor keeps. */
export type HttpConfig = Omit<z.infer<typeof httpSchema>, 'limits'>
