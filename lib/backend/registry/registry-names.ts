import { type AbortOptions, appError, hasCode } from '../../base/index.ts'
import { webFailure } from '../web/web-client.ts'
import type { RegistryPartComponents } from './registry-manifests.ts'
import { scopes } from './registry-session.ts'

/** Names requested per page; registries give at most this many. */
const PAGE = 1000

/** Most pages of one list that are read. */
export const MAX_PAGES = 100

/** Largest page in bytes; a registry without paging sends everything at once. */
export const MAX_PAGE_BYTES = 16 * 1024 * 1024

/** Every method: @throws BACKEND_UNAVAILABLE, BACKEND_DENIED, BACKEND_THROTTLED, ABORTED, UNSUPPORTED above MAX_PAGES. */
export interface RegistryNames {
  /** In ascending byte order; undefined when the registry does not know the repository. */
  tags(repository: string, options?: AbortOptions): Promise<readonly string[] | undefined>
  /** In ascending byte order. @throws UNSUPPORTED when the registry gives no catalog */
  repositories(options?: AbortOptions): Promise<readonly string[]>
}

/**
 * Lists are read whole, because registries differ: in the order of names, some have no pages, and some mark the next
 * page with an opaque text, so that only the first page could be requested by name.
 */
export function registryNames(components: RegistryPartComponents): RegistryNames {
  const { governor } = components

  const whole = async (list: List, options: AbortOptions): Promise<readonly string[] | undefined> => {
    const names = new Set<string>()
    let at: string | undefined = `${list.at}?n=${PAGE}`
    for (let pages = 0; at !== undefined; pages += 1) {
      if (pages === MAX_PAGES) throw unlisted('the registry holds more names than can be listed')
      const here: string = at
      const page: Page | undefined = await governor.request(
        'list',
        (signal) => pageOf(components, { ...list, at: here }, { signal }),
        options,
      )
      if (page === undefined) return undefined
      for (const name of page.names) names.add(name)
      at = page.next
    }
    return [...names].sort()
  }

  return {
    tags: (repository, options = {}) =>
      whole({ at: `${repository}/tags/list`, field: 'tags', scope: scopes.pull(repository) }, options),
    async repositories(options = {}) {
      const missing = 'the registry gives no catalog of its repositories'
      try {
        const names = await whole({ at: '_catalog', field: 'repositories', scope: scopes.catalog }, options)
        if (names !== undefined) return names
      } catch (err) {
        throw hasCode(err, 'BACKEND_READ_ONLY') ? unlisted(missing) : err
      }
      throw unlisted(missing)
    },
  }
}

interface List {
  readonly at: string
  readonly field: 'tags' | 'repositories'
  readonly scope: string
}

interface Page {
  readonly names: readonly string[]
  readonly next: string | undefined
}

async function pageOf(
  { session }: RegistryPartComponents,
  list: List,
  options: AbortOptions,
): Promise<Page | undefined> {
  const answer = await session.find({ method: 'GET', at: list.at, scope: list.scope, ...options })
  if (answer === undefined) return undefined
  const body = (await answer.json(MAX_PAGE_BYTES).catch((err: unknown) => {
    throw webFailure(err)
  })) as Readonly<Record<string, unknown>> | null
  // Some registries send null for an empty list.
  const names = body?.[list.field] ?? []
  if (!Array.isArray(names)) throw appError('BACKEND_UNAVAILABLE', { message: 'the registry sends a malformed list' })
  return { names: names.filter((name) => typeof name === 'string'), next: nextOf(answer.headers['link'], answer.url) }
}

/** The URL of the next page; undefined on the last one. */
export function nextOf(link: string | undefined, from: string): string | undefined {
  const [, target] = /<([^>]*)>\s*;[^,]*\brel="?next\b/i.exec(link ?? '') ?? []
  return target !== undefined && URL.canParse(target, from) ? new URL(target, from).href : undefined
}

function unlisted(message: string) {
  return appError('UNSUPPORTED', { message })
}
