import { appError } from '../base/index.ts'
import type { Repository } from '../core/index.ts'
import { type Exchange, sendJson } from '../http/index.ts'
import type { RegistryStorage } from './storage.ts'

/** Names on one page unless the client wants fewer. Many clients never ask for a second page, so it is large. */
const MAX_PAGE = 1000

/** The lists of tags and of repositories, a page at a time. */
export interface Lists {
  tags(exchange: Exchange, repository: Repository): Promise<void>
  catalog(exchange: Exchange): Promise<void>
}

export function lists({ tags }: Pick<RegistryStorage, 'tags'>): Lists {
  return {
    async tags(exchange, repository) {
      const asked = pageRequest(exchange.query)
      const page = await tags.list(repository, { ...asked.storage, signal: exchange.signal })
      const { name } = repository
      if (page === undefined) throw appError('NAME_UNKNOWN', { detail: { name } })
      const items = page.items.slice(0, asked.count)
      const headers = nextLink(`/v2/${name}/tags/list`, items, page.more && items.length > 0)
      sendJson(exchange, 200, { name, tags: items }, headers)
    },

    async catalog(exchange) {
      const asked = pageRequest(exchange.query)
      const page = await tags.repositories({ ...asked.storage, signal: exchange.signal })
      const items = page.items.slice(0, asked.count)
      const headers = nextLink('/v2/_catalog', items, page.more && items.length > 0)
      sendJson(exchange, 200, { repositories: items }, headers)
    },
  }
}

/** `n=0` is an honest question with an empty answer, but storages are asked for at least one. */
function pageRequest(query: URLSearchParams) {
  const n = query.get('n')
  if (n !== null && !/^\d{1,15}$/.test(n))
    throw appError('PAGINATION_NUMBER_INVALID', { detail: { n: n.slice(0, 32) } })
  const count = Math.min(MAX_PAGE, Number(n ?? MAX_PAGE))
  const after = query.get('last')
  return { count, storage: { limit: Math.max(1, count), ...(after !== null && after !== '' && { after }) } }
}

function nextLink(path: string, items: readonly string[], more: boolean) {
  if (!more) return {}
  const query = new URLSearchParams({ last: items.at(-1) ?? '', n: String(items.length) })
  return { link: `<${path}?${query.toString()}>; rel="next"` }
}
