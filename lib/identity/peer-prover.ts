import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Proves to a peer that this node knows the cluster secret, and checks that a peer does, without telling it. */
export interface SecretProver {
  /** 32 bytes that were never used before. */
  nonce(): Uint8Array
  /** 32 bytes: HMAC-SHA256 of the transcript under the secret. */
  prove(transcript: Uint8Array): Uint8Array
  /** In constant time. */
  holds(transcript: Uint8Array, proof: Uint8Array): boolean
}

/** Undefined without a secret: then nothing can be proven, and nobody is asked to. */
export function secretProver(secret: string | undefined): SecretProver | undefined {
  if (secret === undefined) return undefined
  const prove = (transcript: Uint8Array) => createHmac('sha256', secret).update(transcript).digest()
  return {
    nonce: () => randomBytes(32),
    prove,
    holds(transcript, proof) {
      const expected = prove(transcript)
      return proof.length === expected.length && timingSafeEqual(expected, proof)
    },
  }
}
