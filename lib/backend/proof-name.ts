import type { Clock, Random } from '../base/index.ts'

/**
 * Starts of the names of small objects by which a backend shows that it keeps conditions. Whoever writes one removes it; one
 * that a crash has left is known by the time in its name:
 *
 *     .shoal-proof-0193a5c2f0e1-5fc40c2e
 *                  |            random
 *                  milliseconds since the epoch, 12 hexadecimal digits
 */
export type ProofKind = '.shoal-proof-' | '.shoal-rehearsal-'

/** No proof takes so long. */
const LEFT_AFTER_MS = 600_000

export interface ProofNameComponents {
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

export function proofName(kind: ProofKind, { clock, random }: ProofNameComponents): string {
  const madeAt = Math.floor(clock.now()).toString(16).padStart(12, '0')
  return `${kind}${madeAt}-${Buffer.from(random.bytes(4)).toString('hex')}`
}

/** Whether the key is of this kind, in whatever folder. */
export const isProof = (kind: ProofKind, key: string): boolean => nameOf(key).startsWith(kind)

/** Whether the key is of this kind, and whoever wrote it has died before it removed it. */
export function isLeftProof(kind: ProofKind, key: string, nowMs: number): boolean {
  const [, madeAt] = /^([0-9a-f]{12})-[0-9a-f]{8}$/.exec(nameOf(key).slice(kind.length)) ?? []
  return isProof(kind, key) && madeAt !== undefined && nowMs - Number.parseInt(madeAt, 16) >= LEFT_AFTER_MS
}

const nameOf = (key: string) => key.slice(key.lastIndexOf('/') + 1)
