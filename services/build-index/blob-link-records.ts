import { type BlobLink, blobLinkSchema, parseBody } from '../../lib/api/index.ts'
import type { AbortOptions } from '../../lib/base/index.ts'
import type { IndexRecords } from './index-records.ts'

/** Since when a link is condemned: no manifest of its repository named the blob. */
export interface Sentence {
  readonly atMs: number
  /** Different each time, so that no two records of a condemned link are alike. */
  readonly nonce: string
}

/** A link as it is stored. */
export interface LinkRecord {
  readonly link: BlobLink
  readonly condemned: Sentence | undefined
}

/** A sentence that is malformed counts as none. @throws BODY_INVALID when the link is malformed */
export function parseLinkRecord(value: unknown): LinkRecord {
  const link = parseBody(blobLinkSchema, value)
  const { atMs, nonce } = (value as { readonly condemned?: Partial<Sentence> }).condemned ?? {}
  const isSentence = typeof atMs === 'number' && typeof nonce === 'string'
  return { link, condemned: isSentence ? { atMs, nonce } : undefined }
}

/**
 * The link, for somebody who may rely on it from now on: so it is condemned no longer. What is put anew is not either,
 * since the whole record is written. Undefined when there is none. @throws as `IndexRecords.change`
 */
export async function linkFor(
  records: IndexRecords,
  key: string,
  options: AbortOptions = {},
): Promise<BlobLink | undefined> {
  const { signal } = options
  const found = (await records.read(key, parseLinkRecord, { signal }))?.value
  if (found?.condemned === undefined) return found?.link
  let link: BlobLink | undefined
  const decide = (now: LinkRecord | undefined) => {
    link = now?.link
    return now?.condemned === undefined ? undefined : now.link
  }
  await records.change(key, { parse: parseLinkRecord, decide }, { signal })
  return link
}
