import { type Digest, digestAlgorithm, digestHex, type Repository } from '../../core/index.ts'
import { digestOfKey } from '../content-key.ts'
import { checkKey } from '../key.ts'
import { nameForPlace } from '../repository-place.ts'

const place = /\{([^{}]*)\}/g
const knownPlace = /^(repository|digest|algorithm|hex|hex:\d{1,3}|key)$/

/** The placeholders of a template, in order. */
export function placesOf(template: string): readonly { readonly name: string; readonly known: boolean }[] {
  return [...template.matchAll(place)].map(([, name = '']) => ({ name, known: knownPlace.test(name) }))
}

/** Whether two different contents always have different URLs. */
export function hasWholePlace(template: string): boolean {
  return placesOf(template).some(({ name }) => ['digest', 'hex', 'key'].includes(name))
}

/** Builds URLs from keys. */
export interface UrlTemplate {
  /** @throws BACKEND_KEY_INVALID */
  urlOf(key: string): string
}

/**
 * The template for one repository. @throws NO_BACKEND_RULE for a repository of another registry when the template has a
 * place for the name
 */
export function urlTemplate(template: string, repository: Repository): UrlTemplate {
  const names = placesOf(template).map(({ name }) => name)
  const filled = names.includes('repository') ? nameForPlace(repository) : ''
  const byDigest = names.some((name) => name !== 'repository' && name !== 'key')
  return {
    urlOf(key) {
      checkKey(key)
      const digest = byDigest ? digestOfKey(key) : undefined
      return template.replaceAll(place, (_, name: string) => {
        if (name === 'repository') return filled
        return digest === undefined || name === 'key' ? key : partOfDigest(digest, name)
      })
    },
  }
}

function partOfDigest(digest: Digest, name: string): string {
  if (name === 'digest') return digest
  if (name === 'algorithm') return digestAlgorithm(digest)
  const [, length] = name.split(':')
  return digestHex(digest).slice(0, length === undefined ? undefined : Number(length))
}
