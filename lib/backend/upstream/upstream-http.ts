import {
  type Admits,
  admittedClient,
  admittedInner,
  admittedPublic,
  type HttpClient,
  type HttpClientComponents,
} from '../../http/index.ts'
import type { UpstreamRule } from './config.ts'
import { upstreamUrl } from './upstream-url.ts'

/**
 * The connections to all upstreams of one rule. Neither who may name an upstream nor an upstream itself, by a redirect or by
 * the token server that it names, must make us ask what only we can reach: so a rule leads to addresses of the internet
 * only, whether they stand in a name or in a URL, and to the one host that it names.
 */
export function upstreamHttp(components: HttpClientComponents, rule: UpstreamRule): HttpClient {
  return admittedClient(components, { admits: admittedBy(rule), caFile: rule.ca })
}

function admittedBy(rule: UpstreamRule): Admits {
  const others = rule.inner ? admittedInner : admittedPublic
  if (rule.registry.includes('*')) return others
  const { hostname } = new URL(upstreamUrl(rule, rule.registry))
  return (host, address) => host === hostname || others(host, address)
}
