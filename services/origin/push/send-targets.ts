import { appError, type TlsMaterial } from '../../../lib/base/index.ts'
import {
  admittedOutside,
  type HttpClient,
  type HttpClientComponents,
  httpClient,
  isLinkHost,
} from '../../../lib/http/index.ts'

/** A host that may be sent to. */
export interface AllowedHost {
  /** As `URL` writes it, without a dot at the end. */
  readonly host: string
  /** It stands for all names below it, and not for itself. */
  readonly below: boolean
  /** Undefined: any. */
  readonly port: number | undefined
}

const shape = /^(\*\.)?(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i
const MAX_PORT = 65_535

const hostIn = (url: URL): string => url.hostname.replace(/\.$/, '')

/** Parses one entry of `send.allow`: a host, a host with a port, or `*.` and a name. Undefined: it is none of them. */
export function parseAllowedHost(text: string): AllowedHost | undefined {
  const [, star, name = '', port] = shape.exec(text) ?? []
  const url = `http://${name}`
  if (name === '' || !URL.canParse(url) || Number(port ?? 1) > MAX_PORT) return undefined
  return { host: hostIn(new URL(url)), below: star !== undefined, port: port === undefined ? undefined : Number(port) }
}

/** Where an origin may send blobs to. */
export interface SendTargets {
  /** @throws SEND_NOT_ALLOWED */
  check(url: string): void
  /** Shows no secret of this cluster, and connects to no address at which nobody may be sent to. */
  readonly http: HttpClient
}

const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80)

export interface SendTargetsComponents extends HttpClientComponents {
  /** Shown to them; they may have a certificate of its authorities, or of a public one. */
  readonly tls?: TlsMaterial | undefined
}

/** Names below others may be anybody's: only a host that is named itself may be this machine. */
export function sendTargets(components: SendTargetsComponents, allow: readonly AllowedHost[]): SendTargets {
  const fits = (url: URL) => {
    const [host, port] = [hostIn(url), portOf(url)]
    return allow.some(
      (allowed) =>
        (allowed.port ?? port) === port && (allowed.below ? host.endsWith(`.${allowed.host}`) : host === allowed.host),
    )
  }
  return {
    check(url) {
      const target = new URL(url)
      if (isLinkHost(target.hostname) || !fits(target))
        throw appError('SEND_NOT_ALLOWED', { detail: { host: target.host } })
    },
    http: httpClient(components, {
      ...{ tls: components.tls, trustsPublic: true },
      admits: admittedOutside((name) => allow.some(({ host, below }) => !below && host === name.replace(/\.$/, ''))),
    }),
  }
}
