import {
  type Admits,
  admittedClient,
  admittedInner,
  admittedPublic,
  type HttpClient,
  type HttpClientComponents,
  placeOf,
} from '../../http/index.ts'
import type { UrlRule } from './config.ts'

const portOf = ({ port, protocol }: URL): number => (port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))

/**
 * The connections of one rule. Whoever may name a URL, and a web server by a redirect, must not make us ask what only we can
 * reach: so all of them lead to the ports of the rule and to addresses of the internet, and only the host that a rule
 * without `*` names may be in a private network.
 */
export function urlHttp(components: HttpClientComponents, rule: UrlRule): HttpClient {
  return admittedClient(components, {
    admits: admittedBy(rule),
    caFile: rule.ca,
    refusalOf: (url) =>
      rule.ports.includes(portOf(url)) ? undefined : 'the URL leads to a port that the rule does not name',
  })
}

function admittedBy({ inner, host: own }: UrlRule): Admits {
  if (inner) return admittedInner
  return (host, address) => admittedPublic(host, address) || (host === own && placeOf(address).reach === 'private')
}
