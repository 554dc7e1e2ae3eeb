export interface PartPlan {
  /** Size of each part but the last, in bytes. */
  readonly partBytes: number
  /** Number of parts that are in memory and being sent at a time. */
  readonly parallel: number
}

/** Most parts that S3, TOS and similar object stores accept for one object. */
export const MAX_PARTS = 10_000

const MIB = 1024 * 1024

/**
 * How to cut an upload of `size` bytes. When there would be more than 10,000 parts, the parts grow in whole MiB, and
 * fewer are sent at a time, so that an upload never holds more than `partBytes * parallel` bytes or one part.
 */
export function partPlan(size: number, { partBytes, parallel }: PartPlan): PartPlan {
  const least = Math.ceil(size / MAX_PARTS)
  if (least <= partBytes) return { partBytes, parallel }
  const grown = Math.ceil(least / MIB) * MIB
  return { partBytes: grown, parallel: Math.max(1, Math.floor((partBytes * parallel) / grown)) }
}
