import { appError } from '../base/index.ts'
import { ownRepository, type Repository, type RepositoryName } from '../core/index.ts'
import { type Exchange, type LookBudget, nextLink, type PageRequest, pageRequest, sendJson } from '../http/index.ts'
import { accessOf } from '../identity/index.ts'
import type { Page, PageOptions, RegistryStorage, Tags } from './storage.ts'

/** Names on one page unless the client asks for fewer. It is large because many clients never ask for a second page. */
const MAX_PAGE = 1000

/** The lists of tags and of repositories, in pages. */
export interface Lists {
  tags(exchange: Exchange, repository: Repository): Promise<void>
  catalog(exchange: Exchange): Promise<void>
}

export interface ListsComponents {
  readonly storage: Pick<RegistryStorage, 'tags'>
  readonly looks: Pick<LookBudget, 'during'>
}

export function lists({ storage: { tags }, looks }: ListsComponents): Lists {
  return {
    async tags(exchange, repository) {
      const asked = pageRequest(exchange.query, { max: MAX_PAGE })
      const { name } = repository
      const page = await looks.during(exchange.req, async () => {
        const found = await tags.list(repository, { ...askedOf(asked), signal: exchange.signal })
        if (found === undefined) throw appError('NAME_UNKNOWN', { detail: { name } })
        return found
      })
      const items = page.items.slice(0, asked.count)
      const headers = nextLink(exchange.path, items, { more: page.more, keep: namedIn(exchange.query) })
      sendJson(exchange, 200, { name, tags: items }, headers)
    },

    async catalog(exchange) {
      const asked = pageRequest(exchange.query, { max: MAX_PAGE })
      const page = await readableOf(exchange, tags, askedOf(asked))
      const items = page.items.slice(0, asked.count)
      const headers = nextLink(exchange.path, items, { more: page.more, keep: namedIn(exchange.query) })
      sendJson(exchange, 200, { repositories: items }, headers)
    },
  }
}

/** The registry that the client names, so that it names the same one for the next page. */
function namedIn(query: URLSearchParams): Readonly<Record<string, string>> {
  const ns = query.get('ns')
  return ns === null || ns === '' ? {} : { ns }
}

/** A page of what the caller may pull from: nothing in it, or in where it ends, tells of any other repository. */
async function readableOf(
  { principal, signal }: Exchange,
  tags: Tags,
  { limit, after }: PageOptions,
): Promise<Page<RepositoryName>> {
  if (principal.access === undefined) return tags.repositories({ limit, signal, ...(after !== undefined && { after }) })
  const items: RepositoryName[] = []
  for (let last = after; ; ) {
    const page = await tags.repositories({ limit: MAX_PAGE, signal, ...(last !== undefined && { after: last }) })
    for (const name of page.items) {
      if (!accessOf(principal).may(ownRepository(name), 'pull')) continue
      if (items.length === limit) return { items, more: true }
      items.push(name)
    }
    last = page.items.at(-1)
    if (!page.more || last === undefined) return { items, more: false }
  }
}

/** Storages are asked for at least one item, even when the client wants none. */
function askedOf({ count, last }: PageRequest) {
  return { limit: Math.max(1, count), ...(last !== undefined && { after: last }) }
}
