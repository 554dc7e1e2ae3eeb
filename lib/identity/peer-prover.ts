import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Proves to a peer that this node knows a secret of the cluster, and checks that a peer does, without telling it. */
export interface SecretProver {
  /** 32 bytes that were never used before. */
  nonce(): Uint8Array
  /** 32 bytes: HMAC-SHA256 of the transcript under the secret. */
  prove(transcript: Uint8Array): Uint8Array
  /** In constant time. */
  holds(transcript: Uint8Array, proof: Uint8Array): boolean
}

const hmac = (secret: string, transcript: Uint8Array) => createHmac('sha256', secret).update(transcript).digest()

/**
 * Proves by the first of the values, and takes a proof by any of them, so that members that change from one to the other
 * at different times still trust each other. Undefined without a value: then nothing can be proven, and nobody is asked to.
 */
export function secretProver(values: readonly string[]): SecretProver | undefined {
  const [first] = values
  if (first === undefined) return undefined
  return {
    nonce: () => randomBytes(32),
    prove: (transcript) => hmac(first, transcript),
    holds(transcript, proof) {
      const right = values.map((value) => hmac(value, transcript))
      return right.filter((each) => each.length === proof.length && timingSafeEqual(each, proof)).length > 0
    },
  }
}
