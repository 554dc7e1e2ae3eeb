import type { IncomingMessage } from 'node:http'

/** What is between two neighbours only (RFC 9110, 7.6.1), and how they mark the end of a body, which each says anew. */
const BETWEEN_NEIGHBOURS: readonly string[] = [
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authorization', 'proxy-authenticate', 'proxy-authentication-info', 'http2-settings', 'content-length'],
]

type Fields = Pick<IncomingMessage, 'rawHeaders' | 'headersDistinct'>

/** Names in lower case, without what the sender says is for its neighbour. */
function* passedOn({ rawHeaders, headersDistinct }: Fields, dropped: readonly string[]): Generator<[string, string]> {
  const named = (headersDistinct['connection'] ?? []).join(',').toLowerCase().split(',')
  const left = new Set([...BETWEEN_NEIGHBOURS, ...dropped, ...named.map((name) => name.trim())])
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2)
    if (!left.has(name.toLowerCase())) yield [name, value]
  }
}

/** Methods whose requests say the length of their body although they have none (RFC 9110, 8.6). */
const WITH_BODY: readonly string[] = ['POST', 'PUT', 'PATCH']

/** One way to say where the body ends, as our own parser has understood it. */
function requestFraming({ method = '', headers }: IncomingMessage): readonly string[] {
  if (headers['transfer-encoding'] !== undefined) return ['Transfer-Encoding', 'chunked']
  const length = headers['content-length'] ?? (WITH_BODY.includes(method) ? '0' : undefined)
  return length === undefined ? [] : ['Content-Length', length]
}

export interface RelayedRequestInit {
  /** The host of the request target: what the client says in `Host` does not count (RFC 9112, 3.2.2). */
  readonly authority: string
  /** Our name in `Via`. */
  readonly via: string
  /** Headers that are left out besides, in lower case. */
  readonly dropped: readonly string[]
}

/** The headers of a request as they go on, in the form of `rawHeaders`. */
export function relayedRequestHeaders(req: IncomingMessage, { authority, via, dropped }: RelayedRequestInit): string[] {
  const fields = [...passedOn(req, ['host', 'expect', 'via', ...dropped])].flat()
  const passed = [...(req.headersDistinct['via'] ?? []), `${req.httpVersion} ${via}`].join(', ')
  return ['Host', authority, ...fields, ...requestFraming(req), 'Via', passed, 'Connection', 'close']
}

/** The headers of an answer as they go on. */
export function relayedAnswerHeaders(answer: IncomingMessage, via: string): readonly (readonly [string, string])[] {
  const length = answer.headers['content-length']
  const isChunked = answer.headers['transfer-encoding'] !== undefined
  const framing = length === undefined || isChunked ? [] : [['Content-Length', length] as const]
  const passed = [...(answer.headersDistinct['via'] ?? []), `${answer.httpVersion} ${via}`].join(', ')
  return [...passedOn(answer, ['via']), ...framing, ['Via', passed]]
}

/** Whether the request has come through us before. */
export function hasPassed({ headersDistinct }: Fields, via: string): boolean {
  return (headersDistinct['via'] ?? [])
    .join(',')
    .split(',')
    .some((hop) => hop.trim().split(/\s+/)[1] === via)
}
