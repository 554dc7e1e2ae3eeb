import { type ConsolePage, consolePaths } from '../../../console-paths.ts'

export type { ConsolePage }

export interface Place {
  readonly page: ConsolePage
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
}

const segments = (path: string): readonly string[] => path.split('/').filter((part) => part !== '')

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function fitted(pattern: string, given: readonly string[]): Readonly<Record<string, string>> | undefined {
  const wanted = segments(pattern)
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [i, part] of wanted.entries()) {
    const value = decoded(given[i] ?? '')
    if (value === undefined) return undefined
    if (part.startsWith(':')) params[part.slice(1)] = value
    else if (part !== value) return undefined
  }
  return params
}

/** What an address of the browser shows; undefined when it is no page of ours. Words go before parameters. */
export function placeAt(path: string, search = ''): Place | undefined {
  const given = segments(path)
  const fits = Object.entries(consolePaths).flatMap(([page, pattern]) => {
    const params = fitted(pattern, given)
    return params === undefined ? [] : [{ page: page as ConsolePage, params }]
  })
  const [best] = fits.toSorted((a, b) => Object.keys(a.params).length - Object.keys(b.params).length)
  return best && { ...best, query: Object.fromEntries(new URLSearchParams(search)) }
}

/** The address of a page; parameters of the query that are empty are left out. */
export function addressOf(
  page: ConsolePage,
  params: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const path = consolePaths[page].replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const asked = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '')
  return asked.length === 0 ? path : `${path}?${new URLSearchParams(asked).toString()}`
}
