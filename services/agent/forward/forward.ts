import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'
import { appError, hasCode, type Startable } from '../../../lib/base/index.ts'
import { parseWebUrl, type WebUrl } from '../../../lib/core/index.ts'
import {
  authorityOf,
  type Exchange,
  type ForeignTarget,
  type Forward,
  forwarding,
  forwardsTotal,
  type RequestRate,
  type RequestTarget,
  refusal,
  type Shown,
  type Terms,
  type Way,
} from '../../../lib/http/index.ts'
import { credentialsIn, isLoopback, may, shownText } from '../../../lib/identity/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { AgentConfig } from '../config.ts'
import type { PullRules } from '../pull-rules/index.ts'
import { type Inside, type Insides, targetInside } from './inside.ts'
import { tlsInspection } from './inspection.ts'
import { termsOf } from './terms.ts'
import type { UrlBlobs } from './url-blobs.ts'
import { isNydusd, type Meaning, meanings, type WaysInit } from './ways.ts'

export interface ForwardProxyComponents extends Pick<Runtime, 'clock' | 'logger' | 'metrics' | 'random'> {
  readonly rate: Pick<RequestRate, 'count'>
  readonly rules: Pick<PullRules, 'admit'>
  /** Ports of this agent, whatever they are for. */
  readonly ownPorts: () => readonly number[]
  readonly blobs: UrlBlobs
  /** Whether images of that registry of others are served now. */
  readonly serves: WaysInit['serves']
  /** Default: those of the system. */
  readonly lookup?: LookupFunction | undefined
}

/** Its start reads the files of authorities. @throws CONFIG_INVALID (start) */
export interface ForwardProxy extends Startable, Forward {}

/** Where other machines call it, one client may have this share of what the proxy carries at the same time. */
const STRANGER_SHARE = 0.5

type Config = Pick<AgentConfig, 'registry' | 'secrets' | 'hosts'>

/** Whether any host counts, or only those that are named; undefined: there is no proxy. */
export function reachOfProxy({ forward, listener }: AgentConfig['registry']): 'any' | 'named' | undefined {
  if (forward.to === 'none') return undefined
  if (forward.to === 'auto' && isLoopback(listener.bind.host)) return 'any'
  return forward.hosts.length > 0 ? 'named' : undefined
}

/**
 * The agent as a proxy for requests to hosts elsewhere, at the usual listener for clients; undefined where the config lets it
 * go nowhere.
 */
export function forwardProxy(components: ForwardProxyComponents, config: Config): ForwardProxy | undefined {
  const { registry, secrets, hosts } = config
  const { forward } = registry
  const reach = reachOfProxy(registry)
  if (reach === undefined) return undefined
  const files = authorityFiles(forward.hosts.flatMap(({ ca }) => ca ?? []))
  const meaningOf = meanings({
    ...registry,
    ...forward,
    ownHosts: [...hosts, ...registry.ownHosts],
    serves: components.serves,
  })
  const termsFor = termsOf({ forward, anyHost: reach === 'any', ownPorts: components.ownPorts, authorities: files.of })
  const targets = new WeakMap<IncomingMessage, Away>()
  const insides: Insides = new WeakMap()
  const inspection = tlsInspection(components, forward.inspect, insides)
  const isOurs = (header: string | undefined) => {
    const text = shownText(credentialsIn(header))
    return text !== undefined && secrets.includes?.(text) === true
  }
  const carry = forwarding(components, {
    listener: 'registry',
    max: forward.connections,
    clientShare: isLoopback(registry.listener.bind.host) ? 1 : STRANGER_SHARE,
    idleMs: forward.idle,
    via: `shoal-${Buffer.from(components.random.bytes(8)).toString('hex')}`,
    termsFor: (target, { req }) => termsFor(target, isNydusd(req)),
    inspection,
    // A secret of this cluster goes nowhere.
    dropped: ({ req }) => (isOurs(req.headers.authorization) ? ['authorization'] : []),
  })
  const told = forwardsTotal(components.metrics)
  const passed = told.with({ way: 'mirror', outcome: 'done' })
  const sendBlob = orRelay(components.blobs, (outcome) => told.with({ way: 'blob', outcome }).add())
  return {
    name: 'forward',
    ...startedTogether(files, inspection),
    wayOf(req, target) {
      const inside = insides.get(req.socket)
      if (inside !== undefined) inside.used = true
      const asked = inside === undefined ? target : targetInside(req, target, inside)
      const meaning = meaningOf(req, asked)
      if (meaning.kind === 'away') targets.set(req, meaning)
      if (meaning.kind === 'registry') passed.add()
      return wayOf(meaning, { req, target, inside, isOurs })
    },
    admits({ principal }) {
      if (!may(principal, 'read'))
        throw refusal(appError('FORWARD_UNAUTHORIZED'), { 'proxy-authenticate': 'Basic realm="shoal"' })
    },
    async handle(exchange, serveInside) {
      components.rate.count(exchange.req)
      const away = targets.get(exchange.req)
      if (away === undefined) throw appError('NOT_FOUND')
      const { target, asBlob } = away
      if (!asBlob) components.rules.admit(exchange, { url: shownUrl(target) })
      if (asBlob && (await sendBlob(exchange, urlOf(target, termsFor(target, isNydusd(exchange.req)))))) return
      await carry(exchange, target, serveInside)
    },
  }
}

type Away = Extract<Meaning, { kind: 'away' }>

/** The URL that is asked for, as the host is reached. @throws URL_INVALID */
function urlOf(target: ForeignTarget, { secure, port }: Terms): WebUrl {
  const scheme = secure ? 'https' : 'http'
  return parseWebUrl(`${scheme}://${authorityOf({ host: target.host, port }, scheme)}${target.path}`)
}

/** The URL as the client has named it, for the rules of pulls; a tunnel has none. */
function shownUrl({ scheme, path, ...target }: ForeignTarget): string | undefined {
  return scheme === 'tunnel' ? undefined : `${scheme}://${authorityOf(target, scheme)}${path.replace(/[?#].*$/, '')}`
}

/** With these a request has its answer, and its host is not asked. */
const ANSWERED = ['PULL_BLOCKED', 'RANGE_UNSATISFIABLE', 'RANGES_EXCESSIVE'] as const

/**
 * Answers with a blob. False: that is not possible now, or was found not to be right for everybody, so that the request must go
 * to its host.
 */
function orRelay(blobs: UrlBlobs, count: (outcome: 'done' | 'failed' | 'left') => void) {
  return async (exchange: Exchange, url: WebUrl): Promise<boolean> => {
    try {
      await blobs.send(exchange, url)
      count('done')
      return true
    } catch (err) {
      const hasLeft = exchange.signal.aborted
      count(hasLeft ? 'left' : 'failed')
      if (hasLeft || exchange.res.headersSent || hasCode(err, ...ANSWERED)) throw err
      return false
    }
  }
}

interface Asked {
  readonly req: IncomingMessage
  readonly target: RequestTarget
  /** The tunnel that it came through, if that is looked into. */
  readonly inside: Inside | undefined
  readonly isOurs: (header: string | undefined) => boolean
}

function wayOf(meaning: Meaning, asked: Asked): Way {
  if (meaning.kind === 'own') return { to: 'routes' }
  const shown = shownToUs(meaning, asked)
  if (meaning.kind === 'away') return { to: 'away', shown }
  const { path, query } = asked.target
  const ns = `ns=${encodeURIComponent(meaning.ns)}`
  const named = new URLSearchParams(query).has('ns') ? query : [query, ns].filter((part) => part !== '').join('&')
  return { to: 'routes', target: { path, query: named }, shown }
}

/**
 * A proxy is shown `Proxy-Authorization`; `Authorization` is for the host. But who pulls from a registry through us may show
 * our secret as he would at our own paths.
 */
function shownToUs({ kind }: Meaning, { req, inside, isOurs }: Asked): Shown {
  const toProxy = inside === undefined ? req.headers['proxy-authorization'] : inside.toProxy
  const { authorization, ...headers } = req.headers
  const own = toProxy ?? (kind === 'registry' && isOurs(authorization) ? authorization : undefined)
  return { socket: req.socket, headers: own === undefined ? headers : { ...headers, authorization: own } }
}

const startedTogether = (files: Startable, inspection: Startable | undefined): Startable => ({
  async start() {
    await files.start()
    await inspection?.start()
  },
  stop: async () => inspection?.stop(),
})

/** What the files of authorities hold. */
function authorityFiles(files: readonly string[]): Startable & { readonly of: (file: string) => string | undefined } {
  const texts = new Map<string, string>()
  return {
    of: (file) => texts.get(file),
    async start() {
      for (const file of files) {
        try {
          texts.set(file, await readFile(file, 'utf8'))
        } catch (err) {
          const message = `the file of certificate authorities cannot be read: ${file}`
          throw appError('CONFIG_INVALID', { message, cause: err })
        }
      }
    },
    stop: () => Promise.resolve(),
  }
}
