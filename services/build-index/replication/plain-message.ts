/** Longest message in a status. */
const MAX_MESSAGE = 300

/**
 * What another cluster says of a failure, fit to be shown: one line of printable text of bounded length, without
 * credentials and without the query of an address, where signed addresses have theirs. `secret` is what was shown to the
 * other cluster: it could be repeated.
 */
export function plainMessage(text: string, secret?: string): string {
  const known = secret === undefined || secret === '' ? text : text.replaceAll(secret, '...')
  const line = known
    .slice(0, MAX_MESSAGE * 10)
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi, '$1')
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s?#]*)[?#][^\s"')]*/gi, '$1')
    .replaceAll(/\b(bearer|basic)\s+[^\s"',]+/gi, '$1 ...')
    .trim()
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE - 3)}...` : line
}
