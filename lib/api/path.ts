/**
 * Builds a request path: every value is percent-encoded as one segment, also the slashes of a repository name. Colons
 * are not encoded, because digests are easier to read in logs that way.
 */
export function path(strings: TemplateStringsArray, ...values: readonly string[]): string {
  return strings.map((text, i) => text + encodeSegment(values[i])).join('')
}

/** A query string with its question mark; absent values are omitted. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const present = new URLSearchParams()
  for (const [key, value] of Object.entries(values)) if (value !== undefined) present.set(key, String(value))
  return present.size === 0 ? '' : `?${present.toString()}`
}

function encodeSegment(value: string | undefined): string {
  return value === undefined ? '' : encodeURIComponent(value).replaceAll('%3A', ':')
}
