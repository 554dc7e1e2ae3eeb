import { appError } from '../../base/index.ts'
import {
  type Admits,
  addressIn,
  admittedInner,
  admittedPublic,
  type HttpClient,
  type HttpClientComponents,
  httpClient,
  placeOf,
} from '../../http/index.ts'
import type { UrlRule } from './config.ts'

const refused = (message: string) => appError('PEER_CLOSED', { message })

const portOf = ({ port, protocol }: URL): number => (port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))

/**
 * The connections of one rule. Whoever may name a URL, and a web server by a redirect, must not make us ask what only we can
 * reach: so all of them lead to the ports of the rule and to addresses of the internet, and only the host that a rule
 * without `*` names may be in a private network.
 */
export function urlHttp(components: HttpClientComponents, rule: UrlRule): HttpClient {
  const admits = admittedBy(rule)
  const client = httpClient(components, { admits, caFile: rule.ca })
  return {
    ...client,
    async request(request) {
      const url = new URL(request.url)
      const address = addressIn(url)
      if (address !== undefined && !admits(url.hostname, address))
        throw refused('the URL leads to an inner address, for which the rule needs inner: true')
      if (!rule.ports.includes(portOf(url))) throw refused('the URL leads to a port that the rule does not name')
      return client.request(request)
    },
  }
}

function admittedBy({ inner, host: own }: UrlRule): Admits {
  if (inner) return admittedInner
  return (host, address) => admittedPublic(host, address) || (host === own && placeOf(address).reach === 'private')
}
