import type { IncomingMessage } from 'node:http'
import { bareHost, linearPattern, starPattern } from '../../../lib/base/index.ts'
import { OWN_REGISTRY, type RegistryHost } from '../../../lib/core/index.ts'
import { type ForeignTarget, foreignTarget, placeOf, type RequestTarget } from '../../../lib/http/index.ts'
import { parseRegistryPath, registryNamed } from '../../../lib/registry/index.ts'
import type { ForwardRule } from './config.ts'
import { isForEverybody } from './url-blobs.ts'

export interface WaysInit {
  readonly rules: readonly ForwardRule[]
  /** As at the registry. */
  readonly ownNames: readonly string[]
  /** Names of the listener: hosts without ports, `*.example.com` for every name below it. */
  readonly ownHosts: readonly string[]
  /** Whether images of that registry of others are served now. */
  readonly serves: (registry: RegistryHost) => boolean
}

/** What a request of absolute form, or CONNECT, means. */
export type Meaning =
  | { readonly kind: 'own' }
  /** A request to the registry of that name, by `ns`. */
  | { readonly kind: 'registry'; readonly ns: string }
  | {
      readonly kind: 'away'
      readonly target: ForeignTarget
      /** What lies there may come from the cluster. */
      readonly asBlob: boolean
    }

/** Longest path that rules look at; a longer one fits none. */
const MAX_PATH = 2048

/**
 * Decides whose a request is that names a host: ours, if we are called so; the cluster's, if a rule makes it a pull from a
 * registry that is served; else it goes to that host.
 */
export function meanings(init: WaysInit): (req: IncomingMessage, target: RequestTarget) => Meaning {
  const { ownNames, serves } = init
  const rules = init.rules.map(({ host, path, as }) => ({ host: starPattern(host), path: linearPattern(path), as }))
  const isOwnHost = ownHosts(init.ownHosts)

  /** The name of the registry in the URL; `http://name:443` is how some write `https://name`. */
  const registryAt = ({ host, port }: ForeignTarget, scheme: string) => {
    const isUsual = port === 443 || (port === 80 && scheme === 'http')
    return isUsual ? host : `${host}:${port}`
  }
  const ruleFor = (asked: RequestTarget, target: ForeignTarget) =>
    rules.find(({ host, path }) => host.fits(target.host) && fitsPath(path, asked.path))
  const asks = (req: IncomingMessage, asked: RequestTarget, target: ForeignTarget): string | undefined => {
    const rule = ruleFor(asked, target)
    if (rule?.as !== 'mirror' || (req.method !== 'GET' && req.method !== 'HEAD')) return undefined
    if (!isContent(asked.path) || isRetryAtSource(req)) return undefined
    const ns = registryAt(target, target.scheme)
    const isServed = registryNamed(ns, { ownNames, serves }) !== undefined
    return isServed && saysNoOther(asked.query, ns) ? ns : undefined
  }

  return (req, asked) => {
    if (asked.authority === undefined) return { kind: 'own' }
    const target = foreignTarget(asked)
    if (target.scheme === 'tunnel') return { kind: 'away', target, asBlob: false }
    if (isOwnHost(req, target)) return { kind: 'own' }
    const name = registryAt(target, target.scheme)
    if (registryNamed(name, { ownNames }) === OWN_REGISTRY) return { kind: 'registry', ns: name }
    const ns = asks(req, asked, target)
    if (ns !== undefined) return { kind: 'registry', ns }
    const asBlob = ruleFor(asked, target)?.as === 'blob' && isForEverybody(req) && !isRetryAtSource(req)
    return { kind: 'away', target, asBlob }
  }
}

const fitsPath = (pattern: { fits(text: string): boolean }, path: string): boolean =>
  path.length <= MAX_PATH && pattern.fits(path)

/** A manifest or a blob: all that the cluster gives by its name. */
function isContent(path: string): boolean {
  try {
    const { kind } = parseRegistryPath(path)
    return kind === 'manifest' || kind === 'blob'
  } catch {
    return false
  }
}

/** A query that names another registry is for the host that is asked, which is a mirror itself. */
function saysNoOther(query: string, ns: string): boolean {
  const asked = [...new URLSearchParams(query)]
  return asked.every(([name, value]) => name === 'ns' && value.toLowerCase() === ns)
}

/** Whether nydusd sends it: it writes `http` for `https` towards a proxy (`use_http`). */
export const isNydusd = (req: IncomingMessage): boolean => saysNydusd(req) || isUnnamedNydusd(req)

const saysNydusd = ({ headers }: IncomingMessage): boolean => /^nydusd\//.test(headers['user-agent'] ?? '')

/**
 * Version 2.2 does not say who it is, but each GET of it announces a body, mostly one of no bytes. No other usual client does
 * so without a name.
 */
function isUnnamedNydusd({ method, headers }: IncomingMessage): boolean {
  const isUnnamed = headers['user-agent'] === undefined && headers.accept === '*/*'
  return isUnnamed && method === 'GET' && headers['content-length'] !== undefined
}

/**
 * Where nydusd says who it is, it marks what it asks a proxy for. What it repeats without the marks, it wants from the source: a
 * proxy that did not give it must not try again.
 */
function isRetryAtSource(req: IncomingMessage): boolean {
  return saysNydusd(req) && !Object.keys(req.headers).some((name) => name.startsWith('x-dragonfly-'))
}

/** Whether the listener is called so: by one of its names, or by the address and port at which the request came in. */
function ownHosts(names: readonly string[]): (req: IncomingMessage, target: ForeignTarget) => boolean {
  const patterns = names.map((name) => (name.startsWith('*.') ? starPattern(name.toLowerCase()) : name.toLowerCase()))
  return ({ socket }, { host, port }) => {
    if (patterns.some((pattern) => (typeof pattern === 'string' ? pattern === host : pattern.fits(host)))) return true
    if (port !== socket.localPort) return false
    if (host === 'localhost') return true
    const address = bareHost(host)
    if (!/^[\d.]+$|:/.test(address)) return false
    const { reach, text } = placeOf(address)
    return reach === 'loopback' || text === placeOf(socket.localAddress ?? '').text
  }
}
