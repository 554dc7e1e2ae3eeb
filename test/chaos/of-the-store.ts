import type { Digest } from '../../lib/core/index.ts'
import type { Op } from './clients.ts'

/**
 * Whether a wrong byte is no fault: nobody but the store knew the blob, and a range is given before the whole is known to
 * be right (docs/security.md). A whole body may have a wrong byte in its begin, and never an end.
 */
export const isOfTheStore = (
  { wrongByteOf, whole, kind }: Pick<Op, 'wrongByteOf' | 'whole' | 'kind'>,
  lied: ReadonlySet<Digest>,
): boolean =>
  wrongByteOf !== undefined &&
  lied.has(wrongByteOf) &&
  !(whole === true && (kind === 'whole' || kind === 'image by tag'))
