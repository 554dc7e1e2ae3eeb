import { createHmac } from 'node:crypto'

/** Marks a secret that is written in base64, as senders of webhooks hand them out. */
const BASE64_MARK = 'whsec_'

const LEAST_KEY_BYTES = 16

/** Whether it is a secret of its form: an empty or short key would prove nothing. */
export function isSigningSecret(secret: string): boolean {
  if (!secret.startsWith(BASE64_MARK)) return true
  const text = secret.slice(BASE64_MARK.length)
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && keyOf(secret).length >= LEAST_KEY_BYTES
}

export interface SignedParts {
  readonly id: string
  /** When it is sent; whoever gets it refuses what is old. */
  readonly atMs: number
  readonly body: string
}

/**
 * The headers that show who sent a message, and when: one signature for each secret, so that one can replace the other, and
 * none without a secret.
 * As https://www.standardwebhooks.com says (1.0.0): HMAC-SHA256 over `id.seconds.body`.
 */
export function signatureHeaders(
  { id, atMs, body }: SignedParts,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const seconds = String(Math.floor(atMs / 1000))
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${seconds}.${body}`).digest('base64')}`,
  )
  const told = { 'webhook-id': id, 'webhook-timestamp': seconds }
  return signatures.length === 0 ? told : { ...told, 'webhook-signature': signatures.join(' ') }
}

const keyOf = (secret: string): Uint8Array =>
  secret.startsWith(BASE64_MARK) ? Buffer.from(secret.slice(BASE64_MARK.length), 'base64') : Buffer.from(secret)
