import { addressOf } from './paths.ts'

/** Where a text that somebody searches for leads: an image, a digest or a host. */
export function whereTo(text: string): string {
  const asked = text.trim()
  const [, digest] = /^(?:.+@)?(?:sha256:)?([0-9a-f]{6,64})$/.exec(asked) ?? []
  if (digest !== undefined && !/^\d{1,5}$/.test(digest)) return addressOf('swarms', {}, { digest: `sha256:${digest}` })
  if (/^\[?[0-9a-f:.]+\]?$/i.test(asked) && /[.:]/.test(asked)) return addressOf('nodes', {}, { text: asked })
  const name = asked.replace(/^(?:[^/]+[.:][^/]*|localhost)\//, '').replace(/[:@][^/]*$/, '')
  if (asked.includes('/') || asked.includes(':')) return addressOf('image', { repository: name })
  return addressOf('images', {}, { text: asked })
}
