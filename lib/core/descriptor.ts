import type { Digest } from './digest.ts'

/** An OCI content descriptor: what a tag points to. */
export interface Descriptor {
  readonly digest: Digest
  readonly mediaType: string
  /** Bytes. */
  readonly size: number
}

/** Largest accepted manifest in bytes (the limit of distribution and of the OCI conformance suite). */
export const MANIFEST_LIMIT = 4 * 1024 * 1024

/** A manifest that has another one as its `subject`, as a list of referrers names it. */
export interface Referrer extends Descriptor {
  readonly artifactType?: string | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}
