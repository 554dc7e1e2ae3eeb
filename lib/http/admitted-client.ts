import { appError } from '../base/index.ts'
import type { Admits } from './guarded-lookup.ts'
import type { HttpClient } from './http-client.ts'
import { addressIn } from './inner-address.ts'
import { type HttpClientComponents, type HttpClientInit, httpClient } from './undici-client.ts'

export interface AdmittedClientInit extends HttpClientInit {
  readonly admits: Admits
  /** Why a URL is refused although its address is admitted; undefined when it is not. */
  readonly refusalOf?: (url: URL) => string | undefined
}

const refused = (message: string) => appError('PEER_CLOSED', { message })

/**
 * A client that is led by URLs of others, also by redirects: it goes to admitted addresses only, whether names lead there
 * or they stand in the URL itself. @throws (from `request`) PEER_CLOSED for all others
 */
export function admittedClient(components: HttpClientComponents, init: AdmittedClientInit): HttpClient {
  const { admits, refusalOf } = init
  const client = httpClient(components, init)
  return {
    ...client,
    async request(request) {
      const url = new URL(request.url)
      const address = addressIn(url)
      if (address !== undefined && !admits(url.hostname, address))
        throw refused('the URL leads to an inner address, for which the rule needs inner: true')
      const reason = refusalOf?.(url)
      if (reason !== undefined) throw refused(reason)
      return client.request(request)
    },
  }
}
