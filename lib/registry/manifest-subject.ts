import type { Digest, Referrer } from '../core/index.ts'
import { type Fields, invalid, isPresent, readDescriptor } from './manifest-fields.ts'

/** Bytes of the annotations of a manifest with a subject: they go into every list of the subject's referrers. */
export const MAX_ANNOTATION_BYTES = 48 * 1024

/** What a list of referrers says of an entry besides its descriptor. */
export type ReferrerNotes = Pick<Referrer, 'annotations' | 'artifactType'>

/** What a manifest says of the one that it has as its subject. */
export interface ManifestSubject extends ReferrerNotes {
  readonly subject: Digest
}

/**
 * The subject of a manifest, and what a list of referrers says of the manifest itself (OCI distribution 1.1, "Listing
 * Referrers"): its `artifactType`, of an image without one the media type of its config, and its annotations. Undefined
 * without a subject. @throws MANIFEST_INVALID
 */
export function manifestSubject({ subject, artifactType, config, annotations }: Fields): ManifestSubject | undefined {
  if (!isPresent(subject)) return undefined
  const { digest } = readDescriptor(subject, 'subject')
  const notes = referrerNotes({ artifactType, annotations })
  if (notes.artifactType !== undefined || !isPresent(config)) return { subject: digest, ...notes }
  return { subject: digest, artifactType: readDescriptor(config, 'config').mediaType, ...notes }
}

/** @throws MANIFEST_INVALID */
export function referrerNotes({
  artifactType,
  annotations,
}: Pick<Fields, 'annotations' | 'artifactType'>): ReferrerNotes {
  return {
    ...(isPresent(artifactType) && artifactType !== '' && { artifactType: typeOf(artifactType) }),
    ...(isPresent(annotations) && { annotations: textsOf(annotations) }),
  }
}

function typeOf(value: unknown): string {
  if (typeof value === 'string' && value.length <= 255) return value
  throw invalid('"artifactType" must be a text of at most 255 characters')
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  const isTable = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isTable || !Object.values(value).every((text) => typeof text === 'string')) {
    throw invalid('"annotations" must be texts by name')
  }
  const bytes = Buffer.byteLength(JSON.stringify(value))
  if (bytes <= MAX_ANNOTATION_BYTES) return value as Readonly<Record<string, string>>
  throw invalid(`the annotations of a manifest with a subject have ${bytes} bytes; ${MAX_ANNOTATION_BYTES} are allowed`)
}
