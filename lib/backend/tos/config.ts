import { z } from 'zod'
import { byteSize } from '../../config/index.ts'
import { backendLimitsSchema } from '../limits-config.ts'

const MIB = 1024 * 1024

const keyPart = z.string().regex(/^\S+$/, 'must not be empty or hold spaces')

/** Host, or URL, of the native protocol; the one of the S3 protocol speaks another language. */
const endpointSchema = z
  .string()
  .regex(/^(https?:\/\/)?[A-Za-z0-9.-]+(:\d{1,5})?$/, 'must be a host, host:port, or a URL without a path')
  .refine((text) => !/(^|[./])tos-s3-/.test(text), 'must be the native endpoint, tos-<region>..., not the one of S3')

/** A bucket of Volcano Engine TOS, by its native protocol. */
export const tosSchema = z.strictObject({
  driver: z.literal('tos'),
  bucket: z
    .string()
    .regex(/^(?!-)[a-z0-9-]{3,63}(?<!-)$/, 'must have 3 to 63 of a-z, 0-9 and -, none of - at its ends'),
  region: z.string().regex(/^[a-z0-9-]+$/),
  /** From where the region's own endpoint is reached: the internet, or a private network of the region. */
  network: z.enum(['public', 'internal']).default('public'),
  /** In place of the region's own endpoint. An IP address has the bucket in the path, a host in front of its name. */
  endpoint: endpointSchema.optional(),
  /** The endpoint is a domain of this one bucket. */
  customDomain: z.boolean().default(false),
  credentials: z.union([
    z.strictObject({ accessKeyId: keyPart, secretAccessKey: keyPart, securityToken: keyPart.optional() }),
    /** JSON as in `tosCredentialFileSchema`, read again while the service runs. */
    z.strictObject({ file: z.string().min(1) }),
  ]),
  parts: z
    .strictObject({
      /** Objects up to this size travel in one request, larger ones in parts of it. */
      size: byteSize
        .refine((size) => size >= 5 * MIB && size <= 512 * MIB, 'a part has 5MiB to 512MiB')
        .prefault('8MiB'),
      /** Parts of one object under way at a time. */
      parallel: z.int().min(1).max(64).default(4),
    })
    .prefault({}),
  /** Connections to the backend at one time; more requests wait. */
  connections: z.int().min(1).max(1024).default(64),
  limits: backendLimitsSchema,
})

export type TosConfig = z.infer<typeof tosSchema>

/** What a credentials file holds; other members are ignored. */
export const tosCredentialFileSchema = z.object({
  accessKeyId: keyPart,
  secretAccessKey: keyPart,
  securityToken: keyPart.optional(),
  /** ISO 8601; when the token ends. */
  expiration: z.iso.datetime({ offset: true }).optional(),
})
