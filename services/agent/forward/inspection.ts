import { bareHost, countCache, type Startable, starPattern, type TlsDoor, tlsDoor } from '../../../lib/base/index.ts'
import type { Inspection, InspectOutcome } from '../../../lib/http/index.ts'
import type { InspectConfig } from './config.ts'
import type { Insides } from './inside.ts'
import { LEAF_MS, type LeafAuthorityComponents, type Leaves, leafAuthority } from './leaves.ts'

/** Whose TLS is looked into. Its start reads the authority. @throws CONFIG_INVALID (start) */
export interface TlsInspection extends Inspection, Startable {}

/** A client that needs longer is on no network that pulls images. */
const HANDSHAKE_MS = 10_000
/** For how long a certificate is shown. */
const SHOWN_MS = LEAF_MS / 2
/** Hosts whose certificates are kept, and hosts of which it is remembered that the log tells of them. */
const MOST_LEAVES = 256
const MOST_TOLD = 256

const ADVICE = {
  distrusted:
    'a client does not take the certificate of a host that is looked into; have it trust the authority of registry.forward.inspect, or take the host out of its hosts',
  left: 'a client left a tunnel that is looked into without a request; if it does not trust the authority of registry.forward.inspect, have it do so, or take the host out of its hosts',
  not_permitted:
    'a tunnel is not looked into: the authority of registry.forward.inspect has ended, or its name constraints leave the host out',
} as const

/** Undefined where nothing is looked into. */
export function tlsInspection(
  components: LeafAuthorityComponents,
  { hosts, ca }: InspectConfig,
  insides: Insides,
): TlsInspection | undefined {
  if (ca === undefined) return undefined
  const patterns = hosts.map((host) => starPattern(host))
  const authority = leafAuthority(components, ca)
  const doors = keptDoors(components)
  const tell = teller(components)
  return {
    start: () => authority.start(),
    stop: () => authority.stop(),
    doorFor({ host }) {
      if (!patterns.some((pattern) => pattern.fits(host))) return undefined
      const door = authority.now && doors(authority.now, bareHost(host))
      if (door === undefined) tell(host, 'not_permitted')
      return door
    },
    onOpen(socket, { req }, { host, port }) {
      const toProxy = req.headers['proxy-authorization']
      const inside = { host, port, toProxy, used: false }
      insides.set(socket, inside)
      return () => inside.used
    },
    onEnd: ({ host }, outcome) => tell(host, outcome),
  }
}

/** The doors of hosts, each with a certificate of its own, until it has been shown for long enough or the authority changes. */
function keptDoors({ clock }: LeafAuthorityComponents) {
  const fresh = () => countCache<TlsDoor>(clock, { maxEntries: MOST_LEAVES, ttlMs: SHOWN_MS })
  let [signedBy, doors]: [Leaves | undefined, ReturnType<typeof fresh>] = [undefined, fresh()]
  return (leaves: Leaves, name: string): TlsDoor | undefined => {
    if (signedBy !== leaves) [signedBy, doors] = [leaves, fresh()]
    const known = doors.get(name)
    if (known !== undefined) return known
    const leaf = leaves.issue(name)
    if (leaf === undefined) return undefined
    const door = tlsDoor(
      { clock },
      {
        ...{ material: { now: { ...leaf, authorities: [] } }, clients: 'off', handshakeMs: HANDSHAKE_MS },
        ...{ protocols: ['http/1.1'], admitsName: (asked: string) => asked.replace(/\.$/, '') === name },
      },
    )
    doors.set(name, door)
    return door
  }
}

/** Counts what became of tunnels; the log says once for each host what to do. */
function teller({ clock, logger, metrics }: LeafAuthorityComponents) {
  const help = 'Tunnels to hosts whose TLS is looked into, by what became of them.'
  const total = metrics.counter({ name: 'shoal_forward_inspected_total', help }, ['outcome'])
  const told = countCache<true>(clock, { maxEntries: MOST_TOLD })
  return (host: string, outcome: InspectOutcome | 'not_permitted') => {
    total.with({ outcome }).add()
    const advice = Object.entries(ADVICE).find(([name]) => name === outcome)?.[1]
    if (advice === undefined || told.get(host) !== undefined) return
    told.set(host, true)
    logger.warn(advice, { host })
  }
}
