import type { S3Keys } from './s3-server/index.ts'

/** A fake of what hands out temporary keys. */
export interface CredentialSource extends AsyncDisposable {
  readonly url: string
  /** How often it has handed out keys. */
  readonly handedOut: number
}

const HOUR_MS = 3_600_000

/** End of temporary keys as Amazon's services write it; of keys that name none, an hour from now. */
export function expirationOf({ expiresMs = Date.now() + HOUR_MS }: S3Keys): string {
  return new Date(expiresMs).toISOString()
}

/** What the metadata of instances and of containers answers, as JSON. */
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
