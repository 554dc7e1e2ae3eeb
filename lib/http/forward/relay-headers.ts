import type { IncomingMessage } from 'node:http'
import { appError } from '../../base/index.ts'

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
  /** What the connection is to be used for afterwards, if the host agrees. */
  readonly protocol?: string | undefined
}

/**
 * What the client wants to use its connection for after this request; undefined where that is HTTP. Node marks such requests
 * where somebody listens for them, and reads nothing behind their heads. @throws REQUEST_INVALID when it has a body
 */
export function protocolAsked(req: IncomingMessage): string | undefined {
  if (!('upgrade' in req) || req.upgrade !== true) return undefined
  const { upgrade, 'content-length': length = '0', 'transfer-encoding': coding } = req.headers
  if (length !== '0' || coding !== undefined)
    throw appError('REQUEST_INVALID', { message: 'a request that changes the protocol has no body' })
  return upgrade
}

const lastly = (protocol: string | undefined): readonly string[] =>
  protocol === undefined ? ['Connection', 'close'] : ['Upgrade', protocol, 'Connection', 'Upgrade']

/** The headers of a request as they go on, in the form of `rawHeaders`. */
export function relayedRequestHeaders(req: IncomingMessage, init: RelayedRequestInit): string[] {
  const { authority, via, dropped, protocol } = init
  const fields = [...passedOn(req, ['host', 'expect', 'via', ...dropped])].flat()
  const passed = [...(req.headersDistinct['via'] ?? []), `${req.httpVersion} ${via}`].join(', ')
  return ['Host', authority, ...fields, ...requestFraming(req), 'Via', passed, ...lastly(protocol)]
}

/** The headers of an answer as they go on; one that changes the protocol says so to the client as well. */
export function relayedAnswerHeaders(answer: IncomingMessage, via: string): readonly (readonly [string, string])[] {
  const length = answer.headers['content-length']
  const isChunked = answer.headers['transfer-encoding'] !== undefined
  const framing = length === undefined || isChunked ? [] : [['Content-Length', length] as const]
  const passed = [...(answer.headersDistinct['via'] ?? []), `${answer.httpVersion} ${via}`].join(', ')
  const { statusCode, headers } = answer
  const changes =
    statusCode === 101
      ? ([
          ['Upgrade', headers.upgrade ?? ''],
          ['Connection', 'Upgrade'],
        ] as const)
      : []
  return [...passedOn(answer, ['via']), ...framing, ['Via', passed], ...changes]
}

/** Whether the request has come through us before. */
export function hasPassed({ headersDistinct }: Fields, via: string): boolean {
  return (headersDistinct['via'] ?? [])
    .join(',')
    .split(',')
    .some((hop) => hop.trim().split(/\s+/)[1] === via)
}
