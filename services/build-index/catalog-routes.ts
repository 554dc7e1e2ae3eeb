import { adminRoute, type BuildIndex, buildIndexAdmin } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import { parseDigest, parseRepository, parseTag } from '../../lib/core/index.ts'
import { type Exchange, pageRequest, type Route, sendEmpty, sendJson } from '../../lib/http/index.ts'

const repositoryOf = ({ params }: Exchange) => parseRepository(params['repository'] ?? '')

const NAMES = { max: 1000, usual: 100, least: 1 }
const TAGS = { max: 200, usual: 100, least: 1 }

export type ShownIndex = Pick<BuildIndex, 'listRepositories' | 'listTags' | 'getTag' | 'listReferrers'>

/** What admins see of the index: repositories, and what their tags stand for. */
export function catalogAdminRoutes(
  index: ShownIndex,
  /** Where clients change it, too. */
  changed: Pick<BuildIndex, 'deleteTag'>,
): readonly Route[] {
  return [
    adminRoute(buildIndexAdmin.repositories, async (exchange) => {
      const { count: n, last } = pageRequest(exchange.query, NAMES)
      sendJson(exchange, 200, await index.listRepositories({ n, last, signal: exchange.signal }))
    }),
    adminRoute(buildIndexAdmin.tags, async (exchange) => {
      const { signal } = exchange
      const repository = repositoryOf(exchange)
      const { count: n, last } = pageRequest(exchange.query, TAGS)
      const page = await index.listTags(repository, { n, last, signal })
      if (page === undefined) throw appError('NAME_UNKNOWN')
      const found = await Promise.all(
        page.tags.map(async (tag) => ({ tag, at: await index.getTag(repository, tag, { signal }) })),
      )
      // A tag that was deleted since is none.
      const tags = found.flatMap(({ tag, at }) =>
        at === undefined ? [] : [{ tag, digest: at.digest, mediaType: at.mediaType }],
      )
      sendJson(exchange, 200, { tags, ...(page.next !== undefined && { next: page.next }) })
    }),
    adminRoute(buildIndexAdmin.referrers, async (exchange) => {
      const { query, signal } = exchange
      const last = query.get('last')
      const page = await index.listReferrers(repositoryOf(exchange), parseDigest(exchange.params['digest'] ?? ''), {
        ...{ last: last === null ? undefined : parseDigest(last), signal },
      })
      sendJson(exchange, 200, page)
    }),
    adminRoute(buildIndexAdmin.deleteTag, async (exchange) => {
      const { params, signal } = exchange
      await changed.deleteTag(repositoryOf(exchange), parseTag(params['tag'] ?? ''), { signal })
      sendEmpty(exchange, 204)
    }),
  ]
}
