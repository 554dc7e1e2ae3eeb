import type { S3Keys } from './s3-server/index.ts'

/** A fake of a service that issues temporary keys. */
export interface CredentialSource extends AsyncDisposable {
  readonly url: string
  /** How often keys were issued. */
  readonly handedOut: number
}

const HOUR_MS = 3_600_000

/** Expiry of temporary keys in Amazon's format; an hour from now for keys without one. */
export function expirationOf({ expiresMs = Date.now() + HOUR_MS }: S3Keys): string {
  return new Date(expiresMs).toISOString()
}

/** The JSON answer of the metadata services of instances and of containers. */
export function credentialDocument(keys: S3Keys): object {
  return {
    Code: 'Success',
    Type: 'AWS-HMAC',
    AccessKeyId: keys.accessKeyId,
    SecretAccessKey: keys.secretAccessKey,
    Token: keys.sessionToken,
    Expiration: expirationOf(keys),
  }
}
