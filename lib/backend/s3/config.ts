import { z } from 'zod'
import { byteSize } from '../../config/index.ts'
import { backendLimitsSchema } from '../limits-config.ts'

const MIB = 1024 * 1024

/** Smallest part of a multipart upload that S3 takes, and the largest that may stay in memory several times. */
const partSize = byteSize.refine((size) => size >= 5 * MIB && size <= 512 * MIB, 'a part has 5MiB to 512MiB')

/**
 * Whose rights count. `default` looks, in this order, at the environment (AWS_ACCESS_KEY_ID and so on), the shared
 * profile, a web identity (AWS_WEB_IDENTITY_TOKEN_FILE), and the metadata of the container or the instance.
 */
const credentials = z.union([
  z.literal('default'),
  z.strictObject({
    /** Of `~/.aws/config` and `~/.aws/credentials`, or where AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE say. */
    profile: z.string().min(1),
  }),
  z.strictObject({
    accessKeyId: z.string().min(1),
    secretAccessKey: z.string().min(1),
    /** Of temporary keys. */
    sessionToken: z.string().min(1).optional(),
  }),
])

/** A bucket of Amazon S3, or of a backend that speaks its protocol. */
export const s3Schema = z.strictObject({
  driver: z.literal('s3'),
  bucket: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/, 'a bucket is a name, not a URL or an ARN'),
  region: z.string().min(1).default('us-east-1'),
  /** Base URL; default that of Amazon S3 in `region`. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  /** Whether the bucket stands in the path and not in the host name. */
  pathStyle: z.boolean().default(false),
  credentials: credentials.default('default'),
  /** `required` sends CRC32 only where the protocol wants it, for backends that do not know it. */
  checksums: z.enum(['always', 'required']).default('always'),
  /**
   * Whether the backend checks If-Match and If-None-Match at PUT; without it two writers at the same moment both win.
   */
  conditionalWrites: z.boolean().default(true),
  /** Encryption at rest other than the bucket's default. */
  encryption: z
    .strictObject({
      algorithm: z.enum(['AES256', 'aws:kms', 'aws:kms:dsse']),
      /** ARN of a KMS key; default the account's key for S3. */
      keyId: z.string().min(1).optional(),
    })
    .optional(),
  parts: z
    .strictObject({
      /** Objects up to this size travel in one request, larger ones in parts of it. */
      size: partSize.prefault('8MiB'),
      /** Parts of one object under way at a time. */
      parallel: z.number().int().min(1).max(64).default(4),
    })
    .prefault({}),
  limits: backendLimitsSchema,
})

/** What the driver is given; the limits are the governor's. */
export type S3Bucket = Omit<z.output<typeof s3Schema>, 'limits'>
