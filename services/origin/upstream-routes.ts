import { parseBody, upstreamTalkRoutes, upstreamToldSchema } from '../../lib/api/index.ts'
import type { Upstreams } from '../../lib/backend/index.ts'
import { parseRepository } from '../../lib/core/index.ts'
import { type Exchange, type Route, readJson, sendEmpty, sendJson } from '../../lib/http/index.ts'

/** Most bytes of a body; one has about 100. */
const MAX_BODY_BYTES = 4 * 1024

export interface UpstreamRoutesComponents {
  readonly upstreams: Pick<Upstreams, 'news' | 'hear' | 'standings'>
}

/** What this origin knows of registries of others, and what the other processes of the cluster tell it of them. */
export function upstreamRoutes({ upstreams }: UpstreamRoutesComponents): readonly Route[] {
  const { standings, news } = upstreamTalkRoutes
  const repositoryOf = ({ params }: Exchange) => parseRepository(params['repository'] ?? '')
  return [
    {
      ...{ methods: ['GET'], path: standings, right: 'ring', summary: 'what is known of each registry of others' },
      handle: (exchange) => sendJson(exchange, 200, { upstreams: upstreams.standings() }),
    },
    {
      ...{ methods: ['GET'], path: news, right: 'ring', summary: 'whether a repository of one is known to fail' },
      handle: (exchange) => sendJson(exchange, 200, upstreams.news(repositoryOf(exchange))),
    },
    {
      ...{ methods: ['POST'], path: news, right: 'ring', summary: 'somebody waits for one in vain; its budget' },
      async handle(exchange) {
        const repository = repositoryOf(exchange)
        upstreams.hear(repository, parseBody(upstreamToldSchema, await readJson(exchange, MAX_BODY_BYTES)))
        sendEmpty(exchange, 204)
      },
    },
  ]
}
