import { z } from 'zod'
import { registryPattern } from './repository-pattern.ts'
import { duration } from './schemas.ts'

const time = (text: string) => duration.refine((ms) => ms > 0, 'must be longer than 0').prefault(text)

/** Which registries of others are meant, and the way to them; whoever goes that way has these keys. */
export const upstreamWayKeys = {
  registry: registryPattern,
  /** Base URL, where it does not follow from the name; only for a rule without `*`. */
  url: z
    .string()
    .regex(/^https?:\/\/[^/?#]+(\/[^?#]*)?$/, 'must be http(s)://host, maybe with a path')
    .exactOptional(),
  /** Without TLS. */
  plainHttp: z.boolean().default(false),
  /**
   * Also to addresses of private networks and of this machine, by a name or as a redirect or a token server. The host that
   * a rule without `*` names may be there in any case.
   */
  inner: z.boolean().default(false),
  /** PEM file of certificate authorities that are trusted in addition to those of Node. */
  ca: z.string().min(1).exactOptional(),
  /** An upstream that does not begin to answer for this long is unreachable. */
  wait: time('2s'),
  /** A body fails when no byte comes for this long. */
  stall: time('30s'),
} as const
