import { appError } from '../../base/index.ts'
import {
  type Admits,
  addressIn,
  admittedFrom,
  admittedInner,
  admittedPublic,
  type HttpClient,
  type HttpClientComponents,
  httpClient,
} from '../../http/index.ts'
import type { UpstreamRule } from './config.ts'
import { upstreamUrl } from './upstream-url.ts'

/**
 * The connections to all upstreams of one rule. Whoever may name an upstream must not make us ask what only we can reach,
 * so a rule for any registry leads to addresses of the internet only, whether they stand in a name or in a URL.
 */
export function upstreamHttp(components: HttpClientComponents, rule: UpstreamRule): HttpClient {
  const admits = admittedBy(rule)
  const client = httpClient(components, { admits, caFile: rule.ca })
  return {
    ...client,
    async request(request) {
      const url = new URL(request.url)
      const address = addressIn(url)
      if (address !== undefined && !admits(url.hostname, address)) {
        throw appError('PEER_CLOSED', { message: 'the URL leads to an address that nobody may follow' })
      }
      return client.request(request)
    },
  }
}

function admittedBy(rule: UpstreamRule): Admits {
  if (!rule.registry.includes('*')) return admittedFrom(new URL(upstreamUrl(rule, rule.registry)))
  return rule.inner ? admittedInner : admittedPublic
}
