import { appError } from '../../lib/base/index.ts'

/** Characters of one word of a query. */
const MAX_WORD = 255

/** A word of a query that is one of some; undefined when it is not given. @throws REQUEST_INVALID */
export function oneOf<T extends string>(query: URLSearchParams, name: string, words: readonly T[]): T | undefined {
  const given = query.get(name)
  if (given === null) return undefined
  const found = words.find((word) => word === given)
  if (found === undefined) throw appError('REQUEST_INVALID', { message: `${name} is one of ${words.join(', ')}` })
  return found
}

/** Any text of a query; undefined when it is empty. @throws REQUEST_INVALID */
export function anyText(query: URLSearchParams, name: string): string | undefined {
  const given = query.get(name) ?? ''
  if (given.length > MAX_WORD) {
    throw appError('REQUEST_INVALID', { message: `${name} has at most ${MAX_WORD} characters` })
  }
  return given === '' ? undefined : given
}
