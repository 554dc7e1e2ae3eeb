import type { ObjectPart } from '../object-store/object-api.ts'
import { combinedCrc64 } from './crc64.ts'

/** Bytes that were sent. */
export interface SentBytes {
  readonly size: number
  readonly crc64: bigint
}

/**
 * Remembers what was sent as which part. The data is kept with the part object, so that abandoned uploads leak nothing.
 */
export interface SentParts {
  add(part: ObjectPart, bytes: SentBytes): void
  /** The sum of all parts in order; undefined when one of them was not recorded here. */
  together(parts: readonly ObjectPart[]): SentBytes | undefined
}

export function sentParts(): SentParts {
  const sent = new WeakMap<ObjectPart, SentBytes>()
  return {
    add: (part, bytes) => void sent.set(part, bytes),
    together(parts) {
      const known = parts.flatMap((part) => sent.get(part) ?? [])
      return known.length < parts.length ? undefined : known.reduce(joined, { size: 0, crc64: 0n })
    },
  }
}

function joined(first: SentBytes, second: SentBytes): SentBytes {
  return { size: first.size + second.size, crc64: combinedCrc64(first.crc64, second.crc64, second.size) }
}
