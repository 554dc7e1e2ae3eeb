import { z } from 'zod'
import { isAppError } from '../base/index.ts'
import { parseBind } from './address.ts'
import { parseBytes, parseDuration, parseRate } from './quantities.ts'

/**
 * Pieces that several schemas share. They transform, so give defaults with `.prefault('5s')`: zod's `.default` would
 * skip the transformation.
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

/** `250ms`, `5s`, `30m`, `2h`, `1d`; milliseconds once parsed. */
export const duration = z.string().transform(parsedBy(parseDuration))

/** `64MiB`, `20MB`, or a plain number of bytes. */
export const byteSize = textual.transform(parsedBy(parseBytes))

/** `20MB/s` or `unlimited`; bytes per second or undefined once parsed. */
export const rate = z.string().transform(parsedBy(parseRate))

/** `host:port` with `auto` or 0 for any port; `{ host, port }` once parsed. */
const bind = z.string().transform(parsedBy(parseBind))

/** One listener without a default address. */
const listener = z.strictObject({
  bind,
  /** Lets it bind beyond loopback without TLS or a token. */
  insecure: z.boolean().default(false),
})

/** One listener; each of its keys may be given alone. */
export const listenerOn = (address: string) => listener.extend({ bind: bind.prefault(address) }).prefault({})

const baseUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''))

/** One instance of a clustered service, as in lib/cluster. */
const member = z.strictObject({
  id: z.string().min(1).max(128),
  url: baseUrl,
})

/** All instances of a clustered service; never empty, ids differ. */
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

/** The cluster token: it travels in `Authorization: Bearer`, where a space would end it. */
export const clusterToken = z.string().regex(/^[\x21-\x7e]+$/, 'the token must be ASCII characters without spaces')

/** What callers without the cluster token may do. */
export const anonymousRights = z.enum(['none', 'read', 'write', 'admin'])
