import { appError } from '../../../lib/base/index.ts'

/** A registry whose images come through the agent. */
export interface MirroredHost {
  /** The host in the names of images: `docker.io`, `registry.example.com:5000`. */
  readonly host: string
  /** It is a name of this cluster's own registry, as in the agent's `registry.ownNames`. */
  readonly own: boolean
}

/** Who is asked when the agent does not give an image: the registry itself, nobody, or another URL. */
export type Fallback = { readonly kind: 'registry' | 'nobody' } | { readonly kind: 'url'; readonly url: URL }

/** What a set-up shall do, checked. */
export interface SetupRequest {
  /** A listener of the agent, or a mount point there: `http://127.0.0.1:65001/hub`. */
  readonly agent: URL
  readonly hosts: readonly MirroredHost[]
  /** Every registry, also those that nobody has named. */
  readonly all: boolean
  readonly fallback: Fallback
}

/** Flags as they are given. */
export interface RequestFlags {
  readonly agent?: string
  readonly registry?: readonly string[]
  readonly own?: readonly string[]
  readonly all?: boolean
  readonly fallback?: string
}

export const USUAL_AGENT = 'http://127.0.0.1:65001'

const invalid = (message: string) => appError('CONFIG_INVALID', { message })

/** The URL of a listener, with nothing behind the port. @throws CONFIG_INVALID */
export function listenerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url?.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
  if (isPlain && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw invalid(`"${text}" is not the URL of a listener; write it like ${USUAL_AGENT}`)
}

const MOUNT = /^(?:\/[a-z0-9][a-z0-9._-]*)*\/?$/

/** The URL of a listener of an agent, or of a mount point there, which has no slash at its end. @throws CONFIG_INVALID */
function agentUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !MOUNT.test(url.pathname) || /(?:^|\/)v2(?:\/|$)/.test(url.pathname)) {
    throw invalid(
      `"${text}" is not the URL of an agent; write it like ${USUAL_AGENT}, or ${USUAL_AGENT}/hub for its mount point /hub`,
    )
  }
  const { pathname } = url
  url.pathname = '/'
  const agent = listenerUrl(url.href)
  agent.pathname = pathname.replace(/\/$/, '')
  return agent
}

/** For an engine that takes no path in the address of a mirror. @throws CONFIG_INVALID */
export function refuseMount({ agent }: SetupRequest, engine: string): void {
  if (agent.pathname === '/') return
  throw invalid(
    `${engine} takes no path in the address of a mirror; give the agent a listener of its own for that, in registry.listeners`,
  )
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::\d{1,5})?$/

/** @throws CONFIG_INVALID */
function hostOf(text: string): string {
  const host = text.toLowerCase()
  if (HOST.test(host) && (/[.:]/.test(host) || host === 'localhost')) return host
  throw invalid(`"${text}" is not the host of a registry; write it like registry.example.com or 10.0.0.1:5000`)
}

/** @throws CONFIG_INVALID */
function fallbackOf(text: string | undefined): Fallback {
  if (text === undefined || text === 'yes') return { kind: 'registry' }
  return text === 'no' ? { kind: 'nobody' } : { kind: 'url', url: listenerUrl(text) }
}

/** @throws CONFIG_INVALID */
export function setupRequest(flags: RequestFlags): SetupRequest {
  const own = (flags.own ?? []).map(hostOf)
  const others = (flags.registry ?? []).map(hostOf).filter((host) => !own.includes(host))
  const hosts = [
    ...[...new Set(own)].map((host) => ({ host, own: true })),
    ...[...new Set(others)].map((host) => ({ host, own: false })),
  ]
  const all = flags.all === true
  if (hosts.length === 0 && !all) throw invalid('say which registries: --own HOST, --registry HOST, or --all')
  const fallback = fallbackOf(flags.fallback)
  if (fallback.kind === 'url' && (all || others.length > 0))
    throw invalid('a URL to fall back to can stand only for names of this cluster: give them by --own')
  return { agent: agentUrl(flags.agent ?? USUAL_AGENT), hosts, all, fallback }
}

/** The URL without the slash at its end. */
export const plainUrl = (url: URL): string => url.href.replace(/\/$/, '')
