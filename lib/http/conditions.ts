/**
 * Conditional headers compared with one entity tag. `tag` is the opaque text without quotes; for content-addressed
 * answers it is the digest. Clients that send the tag without quotes are understood.
 */

interface SentTag {
  readonly tag: string
  readonly weak: boolean
}

const tagsOf = (header: string): readonly SentTag[] =>
  header.split(',').map((part) => {
    const text = part.trim()
    const weak = text.startsWith('W/')
    return { tag: (weak ? text.slice(2) : text).replace(/^"(.*)"$/, '$1'), weak }
  })

/** The `ETag` header for a tag. */
export function entityTag(tag: string): string {
  return `"${tag}"`
}

/** True when the client already has this content: answer 304. Check it before any range. */
export function ifNoneMatchHits(header: string | undefined, tag: string): boolean {
  return header !== undefined && tagsOf(header).some((sent) => sent.tag === '*' || sent.tag === tag)
}

/** False when the client wants other content: answer 412. */
export function ifMatchHolds(header: string | undefined, tag: string): boolean {
  return header === undefined || tagsOf(header).some((sent) => !sent.weak && (sent.tag === '*' || sent.tag === tag))
}

/**
 * False when the `Range` header must be ignored, because the client has a part of other content; a date never matches.
 */
export function ifRangeHolds(header: string | undefined, tag: string): boolean {
  return header === undefined || header.trim() === entityTag(tag)
}
