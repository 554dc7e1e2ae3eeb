import { z } from 'zod'
import { byteSize } from '../../config/index.ts'
import { backendLimitsSchema } from '../limits-config.ts'

const MIB = 1024 * 1024

const keyPart = z.string().regex(/^\S+$/, 'must not be empty or hold spaces')

/** Host or URL of the native TOS protocol; the endpoint of the S3 protocol does not work here. */
const endpointSchema = z
  .string()
  .regex(/^(https?:\/\/)?[A-Za-z0-9.-]+(:\d{1,5})?$/, 'must be a host, host:port, or a URL without a path')
  .refine((text) => !/(^|[./])tos-s3-/.test(text), 'must be the native endpoint, tos-<region>..., not the one of S3')

/** A bucket of Volcano Engine TOS, over its native protocol. */
export const tosSchema = z.strictObject({
  driver: z.literal('tos'),
  bucket: z
    .string()
    .regex(/^(?!-)[a-z0-9-]{3,63}(?<!-)$/, 'must have 3 to 63 of a-z, 0-9 and -, none of - at its ends'),
  region: z.string().regex(/^[a-z0-9-]+$/),
  /** Whether to reach the region's endpoint over the internet or over a private network of the region. */
  network: z.enum(['public', 'internal']).default('public'),
  /**
   * Replaces the region's own endpoint. With an IP address the bucket is in the path; with a host name it is in front
   * of the name.
   */
  endpoint: endpointSchema.optional(),
  /** The endpoint is a domain for this bucket alone. */
  customDomain: z.boolean().default(false),
  credentials: z.union([
    z.strictObject({ accessKeyId: keyPart, secretAccessKey: keyPart, securityToken: keyPart.optional() }),
    /** A JSON file as in `tosCredentialFileSchema`, read again while the service runs. */
    z.strictObject({ file: z.string().min(1) }),
  ]),
  parts: z
    .strictObject({
      /** Objects up to this size are sent in one request, larger ones in parts of this size. */
      size: byteSize
        .refine((size) => size >= 5 * MIB && size <= 512 * MIB, 'a part must have 5MiB to 512MiB')
        .prefault('8MiB'),
      /** Number of parts of one object that are transferred at a time. */
      parallel: z.int().min(1).max(64).default(4),
    })
    .prefault({}),
  /** Most connections to the backend; further requests wait. */
  connections: z.int().min(1).max(1024).default(64),
  limits: backendLimitsSchema,
})

export type TosConfig = z.infer<typeof tosSchema>

/** Content of a credentials file; other members are ignored. */
export const tosCredentialFileSchema = z.object({
  accessKeyId: keyPart,
  secretAccessKey: keyPart,
  securityToken: keyPart.optional(),
  /** ISO 8601; when the token expires. */
  expiration: z.iso.datetime({ offset: true }).optional(),
})
