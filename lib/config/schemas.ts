import { isIP } from 'node:net'
import { z } from 'zod'
import { isAppError, isCidr } from '../base/index.ts'
import { parseBind, parseBindOrOff } from './address.ts'
import { parseBytes, parseDuration, parseRate } from './quantities.ts'

/**
 * Parts that several schemas share. They transform their input, so set defaults with `.prefault('5s')`: zod's
 * `.default` would skip the transformation. What is written in units says in which, for whoever makes a form of a schema.
 */

const parsedBy =
  <T>(parse: (text: string) => T) =>
  (text: string, ctx: z.RefinementCtx<string>): T => {
    try {
      return parse(text)
    } catch (err) {
      ctx.addIssue({ code: 'custom', message: isAppError(err) ? err.message : 'malformed' })
      return z.NEVER
    }
  }

const textual = z.union([z.string(), z.number().int().nonnegative()]).transform(String)

/** `250ms`, `5s`, `30m`, `2h`, `1d`; parsed to milliseconds. */
export const duration = z.string().transform(parsedBy(parseDuration)).meta({ format: 'duration' })

/** `64MiB`, `20MB`, or a plain number; parsed to bytes. */
export const byteSize = textual.transform(parsedBy(parseBytes)).meta({ format: 'size' })

/** `20MB/s` or `unlimited`; parsed to bytes per second or undefined. */
export const rate = z.string().transform(parsedBy(parseRate)).meta({ format: 'rate' })

/** `host:port`, where `auto` or 0 means any free port; parsed to `{ host, port }`. */
const bind = z.string().transform(parsedBy(parseBind))

/** An address with its port, never a name: `10.1.2.3:64002`; parsed to `{ host, port }`. */
export const peerAddress = bind.refine(
  ({ host, port }) => isIP(host) !== 0 && port > 0,
  'give an IP address and a port, such as 10.1.2.3:64002',
)

/** Allows the listener to bind beyond loopback without a secret. */
const insecure = z.boolean().default(false)

/** `auto`: TLS alone, where the process has a certificate. `off`: never. `optional`: whoever calls chooses. */
const listenerTls = z.enum(['auto', 'off', 'optional']).default('auto')

/** Whether callers are asked for a certificate, and served without one. */
const clientCertificates = z.enum(['off', 'optional', 'required']).default('off')

const cidr = z.string().refine(isCidr, 'must be a network such as 10.0.0.0/8 or fd00::/8')
/** More than one balancer has, and the subnets of a cluster. */
const MAX_NETWORKS = 64

/** Who tells, in headers of the PROXY protocol, where connections come from. */
const proxyProtocol = z
  .strictObject({
    /** The addresses of balancers: each connection from there begins with a header, which is believed. */
    from: z.array(cidr).min(1).max(MAX_NETWORKS),
    /** Those who call past the balancers, without a header. All others are refused. */
    direct: z.array(cidr).max(MAX_NETWORKS).default([]),
  })
  .exactOptional()

const listenerKeys = { insecure, tls: listenerTls, clientCertificates, proxyProtocol }

/** A listener with a default address; each key may be set alone. */
export const listenerOn = (address: string) =>
  z.strictObject({ bind: bind.prefault(address), ...listenerKeys }).prefault({})

/** The same for peers: with TLS, both sides always show a certificate. */
export const peerListenerOn = (address: string) =>
  z.strictObject({ bind: bind.prefault(address), insecure, tls: listenerTls, proxyProtocol }).prefault({})

/** Labels of metrics and lines of the log say it. */
const listenerName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a name has lower-case letters, digits and dashes, and at most 32 of them')

/** One of a list of listeners: it says its name and its address. */
export const namedListener = z.strictObject({ name: listenerName, bind, ...listenerKeys })

/** A listener that is off until it is given an address: `bind` is `off`, parsed to undefined. */
export const listenerOff = z
  .strictObject({ bind: z.string().transform(parsedBy(parseBindOrOff)).prefault('off'), ...listenerKeys })
  .prefault({})

const file = z.string().min(1)
/** More than the old and the new authority of a cluster, and those of some others. */
const MAX_AUTHORITIES = 16

/** The PEM files of a process: its certificate with its key, and the authorities that it trusts. */
export const tlsFiles = z
  .strictObject({
    certificate: file.exactOptional(),
    key: file.exactOptional(),
    authorities: z.array(file).max(MAX_AUTHORITIES).default([]),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    message: 'tls.certificate and tls.key belong together: give both or neither',
  })
  .prefault({})

/** Address of a service: http or https; parsed without a slash at its end. */
export const baseUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''))

/** Headers of one request, and characters in their values; servers take 8 KiB or more of all together. */
const MAX_HEADERS = 16
const MAX_HEADER = 4_096
const headerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'the name of a header has lower-case letters, digits and "-"')
const headerValue = z
  .string()
  .min(1)
  .max(MAX_HEADER)
  .regex(/^[\x20-\x7e]*$/, 'the value of a header is printable ASCII')
  .transform((value) => () => value)

/** Where traces go; none without an address. */
export const tracingKeys = z
  .strictObject({
    /** The collector's address for OTLP over HTTP, with its path: http://collector:4318/v1/traces. */
    endpoint: baseUrl
      .refine((url) => new URL(url).username === '', 'put what the collector asks for into headers')
      .exactOptional(),
    /** The part of new traces that is recorded. */
    ratio: z.number().min(0).max(1).default(0.01),
    /** What every request to the collector carries; keys belong into the secrets file. */
    headers: z
      .record(headerName, headerValue)
      .refine((headers) => Object.keys(headers).length <= MAX_HEADERS, `at most ${MAX_HEADERS} headers`)
      .prefault({}),
  })
  .prefault({})

/** One instance of a clustered service, as lib/cluster takes it. */
const member = z.strictObject({
  id: z.string().min(1).max(128),
  url: baseUrl,
})

/** All instances of a clustered service; never empty, with unique ids. */
export const memberList = z
  .array(member)
  .min(1, 'the cluster has no members; list at least one')
  .refine((members) => new Set(members.map(({ id }) => id)).size === members.length, 'two members have the same id')

/** A network as its operator calls it: what is in one reaches each other. */
export const networkName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]{0,62}$/,
    'a network has lower-case letters, digits, dots and dashes, and at most 63 of them',
  )

const networkMember = z
  .strictObject({
    id: member.shape.id,
    /** For those in networks without an address of their own. */
    url: baseUrl.exactOptional(),
    /** By the network from which it is called. */
    addresses: z.record(networkName, baseUrl).exactOptional(),
  })
  .refine(
    ({ url, addresses = {} }) => url !== undefined || Object.keys(addresses).length > 0,
    'a member has a url or addresses',
  )

/** The same, where members may have an address for each network. */
export const networkMembers = z
  .array(networkMember)
  .min(1, 'the cluster has no members; list at least one')
  .refine((members) => new Set(members.map(({ id }) => id)).size === members.length, 'two members have the same id')

/** Text of the form that DNS gives names; with a label such as `_http` it is one of SRV records. */
const dnsName = z
  .string()
  .max(253)
  .regex(/^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.)+[A-Za-z0-9-]{1,63}\.?$/, 'give the full name, with its domain')

/** Longest `keep` and times between two questions: what has no end is a list. */
const dayAtMost = (ms: number) => ms <= 86_400_000

const isServer = (text: string) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)|([0-9a-fA-F:.]+))(?::(\d{1,5}))?$/.exec(text)
  return match !== null && isIP(match[1] ?? match[2] ?? text) !== 0
}

/** Members that DNS names, as lib/cluster takes them. */
const dnsMembers = z
  .strictObject({
    /** The full name, e.g. `_http._tcp.origin.shoal.svc.cluster.local`. */
    name: dnsName,
    /** Type of its records. Default: SRV when the name begins with `_`, else A. */
    record: z.enum(['SRV', 'A', 'AAAA']).exactOptional(),
    /** Port of all members; SRV records bring their own. */
    port: z.number().int().min(1).max(65_535).exactOptional(),
    scheme: z.enum(['http', 'https']).default('http'),
    /** Addresses of name servers, with or without port. Default: those of the system. */
    servers: z
      .array(z.string().refine(isServer, 'a name server is an address, or an address and a port: 10.96.0.10:53'))
      .max(8)
      .default([]),
    /** Shortest and longest time between two questions; in between, it is the TTL of the records. */
    minRefresh: duration.refine((ms) => ms >= 1_000 && dayAtMost(ms), 'at least 1s, and at most 1d').prefault('5s'),
    maxRefresh: duration.refine(dayAtMost, 'at most 1d').prefault('30s'),
    /** So long a member stays that the DNS names no longer. Default: 5m for SRV, else 30s. */
    keep: duration.refine(dayAtMost, 'at most 1d').exactOptional(),
  })
  .transform(({ record, ...dns }) => ({ ...dns, record: record ?? (dns.name.startsWith('_') ? 'SRV' : 'A') }) as const)
  .refine(({ record, port }) => (record === 'SRV') === (port === undefined), {
    message: 'records of addresses need a port, and SRV records bring their own',
    path: ['port'],
  })
  .refine(({ minRefresh, maxRefresh }) => minRefresh <= maxRefresh, 'minRefresh must not be above maxRefresh')

/** Where the members of a cluster are named when they may change; exactly one of the keys. */
const memberSources = z
  .strictObject({
    dns: dnsMembers.exactOptional(),
    file: z.strictObject({ path: file }).exactOptional(),
  })
  .transform(({ dns, file: named }, context) => {
    if (dns !== undefined && named === undefined) return { dns, file: undefined }
    if (named !== undefined && dns === undefined) return { dns, file: named }
    context.addIssue('members come from one source: give dns or file, or a list of members')
    return z.NEVER
  })

export type MemberSources = z.output<typeof memberSources>

/** A list of members, or where they are named. */
export const membersOrSource = z.union([networkMembers, memberSources], {
  // Of both, only the form that was meant has something to say.
  error({ errors, input }) {
    const [first] = errors[Array.isArray(input) ? 0 : 1] ?? []
    return first && [...(first.path.length > 0 ? [first.path.join('.')] : []), first.message].join(': ')
  },
})

/** A host name or address without a port; `*.example.com` stands for every name below it. */
export const hostName = z
  .string()
  .regex(/^(?:\*\.)?[\w:.-]+$/, 'a host is a name or an address without a port, or *. and a name')

/** What is logged; the least severe level that is written. */
export const logLevel = z.enum(['debug', 'info', 'warn', 'error', 'silent'])

/** Fewest characters of a secret: what can be guessed is none. */
export const MIN_SECRET = 16
/** Most characters of a secret, which a header carries. */
export const MAX_SECRET = 256

/** Longest user or password of a store, in characters. */
const MAX_CREDENTIAL = 512

/** The name of a user at a store, such as redis. */
export const storeUser = z.string().min(1).max(MAX_CREDENTIAL)

/** His password: a function, so that whoever prints the config prints nothing of it. */
export const storePassword = z
  .string('a password is text; put it in quotes')
  .min(1)
  .max(MAX_CREDENTIAL)
  .transform((text) => () => text)

/** One secret. It is sent in `Authorization: Bearer`, so it must not contain a space. */
export const secretText = z
  .string('a secret is text; put it in quotes')
  .min(MIN_SECRET, `a secret has at least ${MIN_SECRET} characters`)
  .max(MAX_SECRET, `a secret has at most ${MAX_SECRET} characters`)
  .regex(/^[\x21-\x7e]*$/, 'a secret is ASCII characters without spaces')

/** One secret, or two while one replaces the other; parsed to a list. */
export const secretValues = z.union(
  [
    secretText.transform((value) => [value]),
    z.array(secretText).min(1).max(2, 'at most two values of a secret are right at once'),
  ],
  { error: ({ errors, input }) => errors[Array.isArray(input) ? 1 : 0]?.[0]?.message },
)

/** What callers without a secret may do. */
export const anonymousRights = z.enum(['none', 'read', 'write', 'admin'])
