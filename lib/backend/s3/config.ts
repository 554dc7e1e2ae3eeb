import { z } from 'zod'
import { byteSize } from '../../config/index.ts'
import { backendLimitsSchema } from '../limits-config.ts'

const MIB = 1024 * 1024

/** S3 accepts no smaller parts; several of the largest parts must fit into memory. */
const partSize = byteSize.refine((size) => size >= 5 * MIB && size <= 512 * MIB, 'a part must have 5MiB to 512MiB')

/**
 * Which credentials to use. `default` tries, in this order: the environment (AWS_ACCESS_KEY_ID and so on), the shared
 * profile, a web identity (AWS_WEB_IDENTITY_TOKEN_FILE), and the metadata of the container or the instance.
 */
const credentials = z.union([
  z.literal('default'),
  z.strictObject({
    /** A profile in `~/.aws/config` and `~/.aws/credentials`, or in AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE. */
    profile: z.string().min(1),
  }),
  z.strictObject({
    accessKeyId: z.string().min(1),
    secretAccessKey: z.string().min(1),
    /** For temporary keys. */
    sessionToken: z.string().min(1).optional(),
  }),
])

/** A bucket of Amazon S3, or of a backend with the same protocol. */
export const s3Schema = z.strictObject({
  driver: z.literal('s3'),
  bucket: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/, 'a bucket is a name, not a URL or an ARN'),
  region: z.string().min(1).default('us-east-1'),
  /** Base URL; default is Amazon S3 in `region`. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  /** Whether the bucket's name is in the path instead of the host name. */
  pathStyle: z.boolean().default(false),
  credentials: credentials.default('default'),
  /** `required` sends CRC32 only where the protocol demands it, for backends that do not support it. */
  checksums: z.enum(['always', 'required']).default('always'),
  /**
   * Whether the backend checks If-Match and If-None-Match of a PUT; if not, two simultaneous writers may both succeed.
   */
  conditionalWrites: z.boolean().default(true),
  /** Whether it checks If-Match of a DELETE; if not, no garbage is removed. */
  conditionalDeletes: z.boolean().default(true),
  /** Encryption at rest, if it differs from the bucket's default. */
  encryption: z
    .strictObject({
      algorithm: z.enum(['AES256', 'aws:kms', 'aws:kms:dsse']),
      /** ARN of a KMS key; default is the account's key for S3. */
      keyId: z.string().min(1).optional(),
    })
    .optional(),
  parts: z
    .strictObject({
      /** Objects up to this size are sent in one request, larger ones in parts of this size. */
      size: partSize.prefault('8MiB'),
      /** Number of parts of one object that are transferred at a time. */
      parallel: z.number().int().min(1).max(64).default(4),
    })
    .prefault({}),
  limits: backendLimitsSchema,
})

/** The config that the driver receives; `limits` belong to the governor. */
export type S3Bucket = Omit<z.output<typeof s3Schema>, 'limits'>
