import type { IncomingMessage } from 'node:http'
import { type AppError, appError } from '../base/index.ts'
import { type Authenticate, isLoopback } from '../identity/index.ts'
import { parseRequestTarget, type RequestTarget } from './request-target.ts'

/**
 * What a listener asks of the head of every request before a route sees it. A browser carries a page of any site to
 * every listener that it can reach, also to those on loopback: it says so in `Origin` and `Sec-Fetch-Site`, or, where
 * the site let its name point to this machine, in `Host`.
 */
export type Door = (req: IncomingMessage, target: Pick<RequestTarget, 'authority' | 'path'>) => void

export interface DoorInit {
  /** The host that the listener binds to. */
  readonly bind: string
  /**
   * Further names that requests may call the listener by; `*.example.com` stands for every name below it. `any`: the
   * name is not looked at. A function is asked at each request that none of the others lets in.
   */
  readonly hosts: readonly string[] | 'any' | (() => readonly string[])
  /**
   * Paths to which a link on a page of another site may lead a browser that then shows what it gets there; what it asks for is to
   * change nothing. Default: none.
   */
  readonly pages?: ((path: string) => boolean) | undefined
}

/** Somebody follows a link, or is sent on, to a page of its own, not in a frame of another one. */
const isVisit = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  headers.origin === undefined &&
  headers['sec-fetch-mode'] === 'navigate' &&
  headers['sec-fetch-dest'] === 'document'

/** `host`, `host:port`, `[::1]:port`; the host without its brackets, in lower case, without the dot of the root. */
const hostIn = (authority: string): string | undefined => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]]+?)\.?)(?::\d{1,5})?$/i.exec(authority)
  return (match?.[1] ?? match?.[2])?.toLowerCase()
}

const fits = (host: string, pattern: string): boolean =>
  pattern.startsWith('*.') ? host.length >= pattern.length && host.endsWith(pattern.slice(1)) : host === pattern

const wildcards = new Set(['0.0.0.0', '::'])

const unmapped = (address: string): string => address.replace(/^::ffff:(?=\d)/i, '')

/** Hosts that the request names: in its header, and in a target of absolute form, which counts more (RFC 9112 3.2.2). */
const authoritiesOf = (req: IncomingMessage, { authority }: Pick<RequestTarget, 'authority'>): readonly string[] => {
  const named = req.headersDistinct['host'] ?? []
  return authority === undefined ? named : [...named, authority]
}

const hostUnknown = (authority: string): AppError =>
  appError('HOST_UNKNOWN', {
    message: `this listener is not known as ${JSON.stringify(authority.slice(0, 80))}; if that is its name, add it to the config key hosts`,
  })

/** Pages of the listener itself may call it; so may whoever is no page. */
const refuseOtherSites = ({ headers }: IncomingMessage): void => {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  const foreign = (site !== undefined && site !== 'same-origin' && site !== 'none') || !isOwn(origin, host)
  if (foreign)
    throw appError('CROSS_SITE', { detail: { ...(origin !== undefined && { origin: origin.slice(0, 80) }) } })
}

/** The scheme is not compared: something in front may end TLS. */
const isOwn = (origin: string | undefined, host: string | undefined): boolean => {
  if (origin === undefined) return true
  const authority = /^https?:\/\/([^/?#@]+)$/i.exec(origin)?.[1]
  return authority !== undefined && authority.toLowerCase() === host?.toLowerCase()
}

/** Whether the request calls the listener by one of these hosts, written as in `DoorInit`, and by no other one. */
export function isCalledBy(req: IncomingMessage, hosts: readonly string[]): boolean {
  const authorities = authoritiesOf(req, parseRequestTarget(req.url ?? '/'))
  const patterns = hosts.map((host) => host.toLowerCase())
  return authorities.length > 0 && authorities.every((authority) => isOneOf(hostIn(authority), patterns))
}

const isOneOf = (host: string | undefined, patterns: readonly string[]): boolean =>
  host !== undefined && patterns.some((pattern) => fits(host, pattern))

/**
 * The door of one listener. Loopback names and the bind address are always known; where it binds to all addresses,
 * the one that the request came in at is. Whoever shows a secret may call the listener by any name: a page
 * does not know it, and members name each other as their own configs do.
 * @throws (the door) HOST_UNKNOWN, CROSS_SITE
 */
export function door(authenticate: Authenticate, { bind, hosts, pages = () => false }: DoorInit): Door {
  const own = bind.toLowerCase()
  const patternsNow = () => (hosts === 'any' ? [] : typeof hosts === 'function' ? hosts() : hosts)
  const knows = (host: string, req: IncomingMessage): boolean =>
    isLoopback(host) ||
    host === own ||
    (wildcards.has(own) && host === unmapped(req.socket.localAddress ?? '')) ||
    patternsNow().some((pattern) => fits(host, pattern.toLowerCase()))
  const firstUnknown: (...request: Parameters<Door>) => string | undefined = (req, target) =>
    authoritiesOf(req, target).find((authority) => {
      const host = hostIn(authority)
      return host === undefined || !knows(host, req)
    })

  return (req, target) => {
    if (!isVisit(req) || !pages(target.path)) refuseOtherSites(req)
    if (hosts === 'any') return
    const unknown = firstUnknown(req, target)
    if (unknown !== undefined && authenticate(req).name === 'anonymous') throw hostUnknown(unknown)
  }
}
