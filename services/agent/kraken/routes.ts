import type { TagIndex } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Exchange, type LookBudget, type Route, sendEmpty, sendText } from '../../../lib/http/index.ts'
import { parseImageTag, parseLooseDigest } from '../../../lib/kraken/index.ts'
import type { Retention } from '../../../lib/store/index.ts'
import type { PullRules } from '../pull-rules/index.ts'
import type { Preload } from './preload.ts'

export interface AgentKrakenComponents {
  readonly index: Pick<TagIndex, 'getTag'>
  readonly preload: Preload
  readonly store: Pick<Retention, 'delete'>
  readonly rules: Pick<PullRules, 'admit'>
  /** What each client may ask for in vain. */
  readonly looks: Pick<LookBudget, 'during'>
}

const runtimes = ['docker', 'containerd']

/** Kraken's own paths of an agent, besides its blobs and probes. */
export function agentKrakenRoutes({ index, preload, store, rules, looks }: AgentKrakenComponents): readonly Route[] {
  const get = async (exchange: Exchange) => {
    const { repository, tag } = imageOf(exchange)
    const { digest } = await looks.during(exchange.req, async () => {
      const found = await index.getTag(repository, tag, exchange)
      if (found === undefined) throw appError('MANIFEST_UNKNOWN', { message: 'there is no such tag', detail: { tag } })
      return found
    })
    sendText(exchange, 200, digest)
  }
  const load = async (exchange: Exchange) => {
    if (!runtimes.includes(exchange.query.get('runtime') ?? 'docker')) {
      throw appError('REQUEST_INVALID', { message: `runtime must be one of ${runtimes.join(', ')}` })
    }
    const image = imageOf(exchange)
    rules.admit(exchange, image)
    await looks.during(exchange.req, () => preload(image, exchange))
    sendEmpty(exchange, 200)
  }
  const remove = async (exchange: Exchange) => {
    const digest = parseLooseDigest(exchange.params['digest'] ?? '')
    await store.delete(digest)
    sendEmpty(exchange, 200)
  }
  return [
    { methods: ['GET'], path: '/tags/:tag', right: 'read', summary: 'the digest of a tag', handle: get },
    {
      methods: ['GET'],
      path: '/preload/tags/:tag',
      right: 'read',
      summary: 'pulls an image into the cache',
      handle: load,
    },
    { methods: ['DELETE'], path: '/blobs/:digest', right: 'admin', summary: 'removes a blob', handle: remove },
  ]
}

const imageOf = ({ params }: Exchange) => parseImageTag(params['tag'] ?? '')
