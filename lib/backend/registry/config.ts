import { z } from 'zod'
import { byteSize } from '../../config/index.ts'
import { backendLimitsSchema } from '../limits-config.ts'
import { REPOSITORY_PLACE, withRepositoryPlace } from '../repository-place.ts'

/** Any registry that speaks the OCI distribution protocol. */
export const registrySchema = z
  .strictObject({
    driver: z.literal('registry'),
    /** Base URL; `/v2/` is appended. */
    url: z.string().regex(/^https?:\/\/[^/?#]+(\/[^?#]*)?$/, 'must be http(s)://host, maybe with a path'),
    /** Whether pushes are written to it too. */
    mode: z.enum(['read-only', 'read-write']).default('read-write'),
    /** The repository in that registry; `{repository}` stands for our repository name. */
    repository: z
      .string()
      .min(1)
      .transform(withRepositoryPlace)
      .refine(
        (text) => /^[a-z0-9._/-]*(\{repository\})?[a-z0-9._/-]*$/.test(text),
        'must be a repository name with {repository} at most once',
      )
      .prefault(REPOSITORY_PLACE),
    /** The user name; needs `password`. */
    username: z.string().min(1).exactOptional(),
    /** Should be in the secrets file. */
    password: z.string().min(1).exactOptional(),
    /**
     * A `config.json` as `docker login` writes it, instead of a name and password; its credential helpers are used too.
     */
    dockerConfig: z.string().min(1).exactOptional(),
    /** PEM file of certificate authorities that are trusted in addition to those of Node. */
    ca: z.string().min(1).exactOptional(),
    /** Bytes of a blob that are collected in memory and sent in one request. */
    chunk: byteSize.refine((bytes) => bytes > 0, 'must be at least one byte').prefault('16MiB'),
    limits: backendLimitsSchema,
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    message: 'username and password must be given together',
  })
  .refine(({ username, dockerConfig }) => username === undefined || dockerConfig === undefined, {
    message: 'give either username and password, or dockerConfig',
  })

/** Without `limits`, which belong to the governor. */
export type RegistryConfig = Omit<z.infer<typeof registrySchema>, 'limits'>
