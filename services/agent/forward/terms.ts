import { networkInterfaces } from 'node:os'
import { type AppError, appError, starPattern } from '../../../lib/base/index.ts'
import { type ForeignTarget, placeOf, type Terms } from '../../../lib/http/index.ts'
import type { ForwardConfig, ForwardHost } from './config.ts'

export interface TermsInit {
  /** Of the config. */
  readonly forward: Pick<ForwardConfig, 'hosts' | 'ports'>
  /** Whether hosts count that nobody has named. */
  readonly anyHost: boolean
  /** Ports of this agent, whatever they are for. */
  readonly ownPorts: () => readonly number[]
  /** Certificates of the files that hosts name as `ca`. */
  readonly authorities: (file: string) => string | undefined
  /** Addresses of this machine besides loopback. Default: as the system says. */
  readonly ownAddresses?: () => readonly string[]
}

const denied = (message: string) => appError('FORWARD_DENIED', { message })

const systemAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))

/**
 * Where the proxy goes, and where never. A host must be named, or be any host for callers of this machine; its port must be
 * allowed; and each address that its name has is judged.
 */
export function termsOf(init: TermsInit): (target: ForeignTarget, byHttps?: boolean) => Terms {
  const { forward, anyHost, authorities } = init
  const named = forward.hosts.map((entry) => ({ entry, pattern: starPattern(entry.host) }))
  const judge = judgeOf(init)
  return (target, byHttps = false) => {
    const entry = named.find(({ pattern }) => pattern.fits(target.host))?.entry
    if (entry === undefined && !anyHost) throw denied('nobody is forwarded to this host; name it in forward.hosts')
    const secure = isSecure(target, entry?.https ?? byHttps)
    const port = secure && !target.hasPort ? 443 : target.port
    if (!(entry?.ports ?? forward.ports).includes(port))
      throw denied('nobody is forwarded to this port; name it in forward.ports, or in ports of the host')
    return {
      port,
      secure,
      ca: entry?.ca === undefined ? undefined : authorities(entry.ca),
      refusalOf: (address) => judge(address, port, entry),
    }
  }
}

/** What goes through a tunnel is between its ends. */
const isSecure = ({ scheme }: ForeignTarget, byHttps: boolean): boolean =>
  scheme === 'https' || (scheme === 'http' && byHttps)

/** Why nobody is forwarded to an address; undefined: he is. */
function judgeOf({ ownPorts, ownAddresses = systemAddresses }: TermsInit) {
  const isOwn = (text: string) => ownAddresses().some((own) => placeOf(own).text === text)
  return (address: string, port: number, entry: ForwardHost | undefined): AppError | undefined => {
    const { reach, text } = placeOf(address)
    const isHere = reach === 'loopback' || isOwn(text)
    if (isHere && ownPorts().includes(port)) return appError('FORWARD_LOOP')
    const isPattern = entry?.host.includes('*') === true
    if (entry?.inner === true && (reach !== 'link' || entry.host === text)) return undefined
    if (reach === 'link') return denied('nobody is forwarded to addresses of the link or of clouds')
    if (isHere) return denied('nobody is forwarded to addresses of this machine')
    if (reach === 'private' && isPattern)
      return denied('a pattern of hosts leads to no private network; set inner at its entry')
    return undefined
  }
}
