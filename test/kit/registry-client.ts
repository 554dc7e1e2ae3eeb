import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { request as requestTls } from 'node:https'
import { buffer } from 'node:stream/consumers'

export interface RegistryAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The parsed body. */
  json(): unknown
  /** The first code of an OCI error body; undefined for other bodies. */
  errorCode(): string | undefined
}

export interface RegistryRequest {
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Uint8Array | string
  /** Sends the body chunked, without Content-Length, as docker does. */
  readonly chunked?: boolean
  /** Ends the request. */
  readonly signal?: AbortSignal
}

/** Sends plain HTTP/1.1 to one registry: no redirects, no decoding, no path normalisation, no added headers. */
export interface RegistryClient {
  /** `target` is a path with its query, or a Location from the registry. */
  send(method: string, target: string, init?: RegistryRequest): Promise<RegistryAnswer>
  /** Pushes a blob with one POST and one PUT; returns the answer to the PUT. */
  pushBlob(name: string, digest: string, bytes: Uint8Array): Promise<RegistryAnswer>
}

export interface RegistryClientInit {
  /** Go with every request. */
  readonly headers?: OutgoingHttpHeaders
  /** The address to call from, e.g. `127.0.0.2`, as another client does; default: any. */
  readonly from?: string
  /** PEM of the authority that is trusted at an https URL. */
  readonly ca?: string
}

export function registryClient(baseUrl: string, { headers = {}, from, ca }: RegistryClientInit = {}): RegistryClient {
  const { hostname, port, protocol } = new URL(baseUrl)
  const open = protocol === 'https:' ? requestTls : request
  const send: RegistryClient['send'] = async (method, target, init = {}) => {
    const path = target.startsWith('http') ? target.slice(target.indexOf('/', 8)) : target
    const length = init.body === undefined ? 0 : Buffer.byteLength(init.body)
    const framing = init.chunked === true ? { 'transfer-encoding': 'chunked' } : { 'content-length': length }
    const framed = init.body === undefined && (method === 'GET' || method === 'HEAD') ? {} : framing
    return new Promise((resolve, reject) => {
      const req = open({
        ...(ca !== undefined && { ca }),
        hostname,
        port,
        method,
        path,
        headers: { ...framed, ...headers, ...init.headers },
        agent: false,
        ...(from !== undefined && { localAddress: from }),
        ...(init.signal !== undefined && { signal: init.signal }),
      })
      req.on('error', reject)
      req.on('response', (res) => {
        buffer(res).then((body) => {
          const json = (): unknown => JSON.parse(body.toString('utf8'))
          const errorCode = () =>
            body.length === 0 ? undefined : (json() as { errors?: { code: string }[] }).errors?.[0]?.code
          resolve({ status: res.statusCode ?? 0, headers: res.headers, body, json, errorCode })
        }, reject)
      })
      req.end(init.body)
    })
  }
  return {
    send,
    async pushBlob(name, digest, bytes) {
      const opened = await send('POST', `/v2/${name}/blobs/uploads/`)
      const location = closingUrl(opened.headers.location ?? '', digest)
      return send('PUT', location, { body: bytes, headers: { 'content-type': 'application/octet-stream' } })
    },
  }
}

/** A Location with the digest added to its query. */
export function closingUrl(location: string, digest: string): string {
  return `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`
}
