import { z } from 'zod'
import { byteSize } from '../../config/index.ts'
import { backendLimitsSchema } from '../limits-config.ts'
import { REPOSITORY_PLACE, withRepositoryPlace } from '../repository-place.ts'

/** Any registry that speaks the OCI distribution protocol. */
export const registrySchema = z
  .strictObject({
    driver: z.literal('registry'),
    /** Base URL, in front of `/v2/`. */
    url: z.string().regex(/^https?:\/\/[^/?#]+(\/[^?#]*)?$/, 'must be http(s)://host, maybe with a path'),
    /** Whether pushes go there too. */
    mode: z.enum(['read-only', 'read-write']).default('read-write'),
    /** The repository there; `{repository}` stands for the name here. */
    repository: z
      .string()
      .min(1)
      .transform(withRepositoryPlace)
      .refine(
        (text) => /^[a-z0-9._/-]*(\{repository\})?[a-z0-9._/-]*$/.test(text),
        'must be a repository name with {repository} at most once',
      )
      .prefault(REPOSITORY_PLACE),
    /** With `password`: who logs in. */
    username: z.string().min(1).exactOptional(),
    /** Better kept in the file of secrets. */
    password: z.string().min(1).exactOptional(),
    /** A `config.json` as `docker login` writes it, in place of a name and password; its helpers are asked too. */
    dockerConfig: z.string().min(1).exactOptional(),
    /** PEM file of certificate authorities that count besides those of Node. */
    ca: z.string().min(1).exactOptional(),
    /** Bytes of a blob that are sent at once and kept in memory until then. */
    chunk: byteSize.refine((bytes) => bytes > 0, 'must hold a byte').prefault('16MiB'),
    limits: backendLimitsSchema,
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    message: 'username and password go together',
  })
  .refine(({ username, dockerConfig }) => username === undefined || dockerConfig === undefined, {
    message: 'either username and password, or dockerConfig',
  })

/** Without the limits, which the governor keeps. */
export type RegistryConfig = Omit<z.infer<typeof registrySchema>, 'limits'>
