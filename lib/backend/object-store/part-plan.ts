export interface PartPlan {
  /** Bytes of each part but the last. */
  readonly partBytes: number
  /** Parts in memory and under way at a time. */
  readonly parallel: number
}

/** What S3, TOS and their kin take for one object. */
export const MAX_PARTS = 10_000

const MIB = 1024 * 1024

/**
 * How to cut an upload of `size` bytes. Parts grow, in whole MiB, where there would be more than 10,000 of them; as many
 * fewer go at a time, so that an upload never holds more than `partBytes * parallel` or one part.
 */
export function partPlan(size: number, { partBytes, parallel }: PartPlan): PartPlan {
  const least = Math.ceil(size / MAX_PARTS)
  if (least <= partBytes) return { partBytes, parallel }
  const grown = Math.ceil(least / MIB) * MIB
  return { partBytes: grown, parallel: Math.max(1, Math.floor((partBytes * parallel) / grown)) }
}
