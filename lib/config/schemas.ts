import { z } from 'zod'
import { isAppError } from '../base/index.ts'
import { parseBind, parseBindOrOff } from './address.ts'
import { parseBytes, parseDuration, parseRate } from './quantities.ts'

/**
 * Parts that several schemas share. They transform their input, so set defaults with `.prefault('5s')`: zod's
 * `.default` would skip the transformation.
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
export const duration = z.string().transform(parsedBy(parseDuration))

/** `64MiB`, `20MB`, or a plain number; parsed to bytes. */
export const byteSize = textual.transform(parsedBy(parseBytes))

/** `20MB/s` or `unlimited`; parsed to bytes per second or undefined. */
export const rate = z.string().transform(parsedBy(parseRate))

/** `host:port`, where `auto` or 0 means any free port; parsed to `{ host, port }`. */
const bind = z.string().transform(parsedBy(parseBind))

/** Allows the listener to bind beyond loopback without a secret. */
const insecure = z.boolean().default(false)

/** `auto`: TLS alone, where the process has a certificate. `off`: never. `optional`: whoever calls chooses. */
const listenerTls = z.enum(['auto', 'off', 'optional']).default('auto')

/** Whether callers are asked for a certificate, and served without one. */
const clientCertificates = z.enum(['off', 'optional', 'required']).default('off')

const listenerKeys = { insecure, tls: listenerTls, clientCertificates }

/** A listener with a default address; each key may be set alone. */
export const listenerOn = (address: string) =>
  z.strictObject({ bind: bind.prefault(address), ...listenerKeys }).prefault({})

/** The same for peers: with TLS, both sides always show a certificate. */
export const peerListenerOn = (address: string) =>
  z.strictObject({ bind: bind.prefault(address), insecure, tls: listenerTls }).prefault({})

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
