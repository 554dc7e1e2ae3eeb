import type { ObjectPart } from '../object-store/object-api.ts'
import { combinedCrc64 } from './crc64.ts'

/** Bytes that were sent. */
export interface SentBytes {
  readonly size: number
  readonly crc64: bigint
}

/** What was sent as which part; kept with the part, so that uploads which nobody ends leave nothing behind. */
export interface SentParts {
  add(part: ObjectPart, bytes: SentBytes): void
  /** All of them in their order; undefined when one was not added here. */
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
