import type { LookupFunction } from 'node:net'
import type { JobCredentials } from '../../../lib/api/index.ts'
import type { TlsMaterial } from '../../../lib/base/index.ts'
import {
  type AbortOptions,
  appError,
  bareHost,
  type Clock,
  hasCode,
  lifecycle,
  type Startable,
} from '../../../lib/base/index.ts'
import { type Digest, digestAlgorithm, digestOf, MANIFEST_LIMIT, parseDigest } from '../../../lib/core/index.ts'
import {
  type Admits,
  admittedPublic,
  type HttpClient,
  type HttpResponse,
  httpClient,
  placeOf,
} from '../../../lib/http/index.ts'

const MAX_REDIRECTS = 5
/** Most bytes of the answer of a token server. */
const MAX_TOKEN_BYTES = 256 * 1024
const CONNECT_MS = 5_000

const accepted = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** Asks registries in the name of whoever gave a job. */
export interface RegistryAsker extends Startable {
  /** @throws ADDRESS_REFUSED when the manager may not ask there */
  readonly check: (url: string) => void
  /** The digest of the manifest under a URL. @throws ADDRESS_REFUSED, REGISTRY_REFUSED, MANIFEST_UNKNOWN, and what the client throws */
  digestOf(url: string, credentials: JobCredentials, options: AbortOptions): Promise<Digest>
}

export interface RegistryAskerComponents {
  readonly clock: Clock
  readonly tls?: TlsMaterial | undefined
  /** Finds the addresses of a name. Default: that of the system. */
  readonly lookup?: LookupFunction
}

export interface RegistryAskerInit {
  /** Hosts, with or without a port, that may be asked wherever they are. */
  readonly allow: readonly string[]
}

const defaultPort = (protocol: string) => (protocol === 'https:' ? 443 : 80)

const isIp = (host: string) => /^[\d.]+$/.test(host) || host.includes(':')

/** Only the internet is asked, and what the config allows: whoever may give a job must not see what only the manager can reach. */
export function registryAsker(
  { clock, tls, lookup }: RegistryAskerComponents,
  { allow }: RegistryAskerInit,
): RegistryAsker {
  const refused = new Set<string>()
  const allowed = new Set(allow.map((host) => host.toLowerCase()))
  const isAllowed = ({ hostname, port, protocol }: URL) =>
    allowed.has(hostname) || allowed.has(`${hostname}:${port === '' ? defaultPort(protocol) : port}`)
  const admits: Admits = (host, address) => {
    const good = admittedPublic(host, address)
    if (!good) refused.add(host)
    return good
  }
  // A look-up knows no port. So what is allowed has a client of its own, and the one for all the rest never goes to an inner address.
  const init = { tls, trustsPublic: true, connectTimeoutMs: CONNECT_MS }
  const parts = { clock, ...(lookup !== undefined && { lookup }) }
  const [anywhere, internet] = [httpClient(parts, init), httpClient(parts, { ...init, admits })]
  const check = (text: string) => {
    const url = new URL(text)
    const { hostname, host } = url
    if (isAllowed(url)) return
    const address = bareHost(hostname)
    if (isIp(address) ? placeOf(address).reach === 'public' : !/(?:^|\.)localhost$/.test(hostname)) return
    throw appError('ADDRESS_REFUSED', { detail: { host } })
  }
  const get = async (url: string, headers: Readonly<Record<string, string>>, options: AbortOptions) => {
    check(url)
    const { hostname, host } = new URL(url)
    try {
      const http = isAllowed(new URL(url)) ? anywhere : internet
      return await http.request({ method: 'GET', url, headers, ...options })
    } catch (err) {
      if (!hasCode(err, 'PEER_CLOSED') || !refused.delete(hostname)) throw err
      throw appError('ADDRESS_REFUSED', { detail: { host } })
    }
  }
  return {
    check,
    digestOf: (url, credentials, options) => manifestDigest({ get, url, credentials }, options),
    ...lifecycle([anywhere, internet]),
  }
}

type Get = (
  url: string,
  headers: Readonly<Record<string, string>>,
  options: AbortOptions,
) => Promise<Awaited<ReturnType<HttpClient['request']>>>

interface Asking {
  readonly get: Get
  readonly url: string
  readonly credentials: JobCredentials
}

const basic = ({ username = '', password = '' }: JobCredentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

async function manifestDigest({ get, url, credentials }: Asking, options: AbortOptions): Promise<Digest> {
  const given = { ...credentials.headers }
  const first = await followed(get, url, { ...given, accept: accepted }, options)
  // Where the registry sends us on to is told neither what was shown nor where to show it.
  const isAsked = first.answer.status === 401 && first.from === new URL(url).origin
  const token = isAsked ? await challenged(get, { url, answer: first.answer }, credentials, options) : undefined
  if (token !== undefined) await first.answer.discard()
  const { answer } =
    token === undefined ? first : await followed(get, url, { ...given, accept: accepted, ...token }, options)
  if (answer.status === 200) return digestIn(answer, url)
  await answer.discard()
  if (answer.status === 404) throw appError('MANIFEST_UNKNOWN', { message: 'the registry has no such image' })
  if (answer.status === 429 || answer.status >= 500)
    throw appError('BACKEND_UNAVAILABLE', { message: `the registry answered ${answer.status}` })
  throw appError('REGISTRY_REFUSED', { message: `the registry answered ${answer.status}` })
}

/** What was shown goes to the host that it was meant for, and to no other. The answer, and the origin that gave it. */
async function followed(
  get: Get,
  from: string,
  headers: Readonly<Record<string, string>>,
  options: AbortOptions,
): Promise<{ readonly answer: HttpResponse; readonly from: string }> {
  let url = from
  for (let i = 0; i <= MAX_REDIRECTS; i += 1) {
    const isSame = new URL(url).origin === new URL(from).origin
    const answer = await get(url, isSame ? headers : { accept: accepted }, options)
    const { location } = answer.headers
    if (answer.status < 301 || answer.status > 308 || location === undefined)
      return { answer, from: new URL(url).origin }
    await answer.discard()
    if (!URL.canParse(location, url)) break
    url = new URL(location, url).href
    if (!/^https?:/.test(url)) break
  }
  throw appError('REGISTRY_REFUSED', { message: 'the registry sends the request on too often, or to nowhere' })
}

/** What a registry wants to see instead of what it saw; undefined when nothing was given that would help. */
async function challenged(
  get: Get,
  { url: asked, answer }: { readonly url: string; readonly answer: HttpResponse },
  credentials: JobCredentials,
  options: AbortOptions,
): Promise<{ readonly authorization: string } | undefined> {
  if (credentials.username === undefined) return undefined
  const challenge = (answer.headers['www-authenticate'] ?? '').slice(0, 8192)
  const found = challenge.matchAll(/([a-z]+)="([^"]*)"/g)
  const params = new Map([...found].map(([, key = '', value = '']) => [key, value]))
  const realm = params.get('realm') ?? ''
  if (!/^bearer /i.test(challenge) || !/^https?:/.test(realm) || !URL.canParse(realm))
    return { authorization: basic(credentials) }
  const url = new URL(realm)
  if (asked.startsWith('https:') && url.protocol !== 'https:')
    throw appError('REGISTRY_REFUSED', { message: 'the registry wants a password to be shown without TLS' })
  for (const name of ['service', 'scope']) {
    const value = params.get(name)
    if (value !== undefined) url.searchParams.set(name, value)
  }
  const told = await get(url.href, { authorization: basic(credentials) }, options)
  if (told.status !== 200) {
    await told.discard()
    throw appError('REGISTRY_REFUSED', { message: `the token server of the registry answered ${told.status}` })
  }
  const { token, access_token: access } = (await told.json(MAX_TOKEN_BYTES)) as Record<string, unknown>
  const shown = token ?? access
  if (typeof shown !== 'string') throw appError('REGISTRY_REFUSED', { message: 'the token server gives no token' })
  return { authorization: `Bearer ${shown}` }
}

/** A registry may not name other bytes than it gives. @throws MANIFEST_INVALID */
async function digestIn(answer: HttpResponse, url: string): Promise<Digest> {
  const bytes = await answer.bytes(MANIFEST_LIMIT)
  const reference = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '')
  const told = reference.includes(':') ? reference : answer.headers['docker-content-digest']
  if (told === undefined) return digestOf(bytes, 'sha256')
  const digest = parseDigest(told)
  if (digestOf(bytes, digestAlgorithm(digest)) !== digest) throw appError('MANIFEST_INVALID', { detail: { digest } })
  return digest
}
