/**
 * Bytes at the end of a blob that are withheld until its digest is known to hold. A client then never has the whole of a
 * wrong blob, and one that waits for them sees its connection reset instead of an end.
 */
export const WITHHELD_TAIL_BYTES = 64 * 1024

/** How many bytes from the front of a blob of `length` bytes may be given out before (or after) its digest is verified. */
export function releasedLength(length: number, verified: boolean): number {
  return verified ? length : Math.max(0, length - WITHHELD_TAIL_BYTES)
}
