import type { JobScope } from '../../../lib/api/index.ts'
import type { HostFacts } from './posts.ts'

/** A host of a job: one that listens, or a name that nobody has yet. */
export type Chosen = { readonly host: HostFacts; readonly named?: string } | { readonly named: string }

/** All that a host can be named by. */
export const namesOf = ({ id, peerId, address, label }: HostFacts): readonly string[] =>
  [id, peerId, address, label].filter((name) => name !== undefined)

/** What a row says of its host. */
export const whereIs = ({ id, address, zone, label }: HostFacts) => ({
  ...{ host: id, address },
  ...(zone !== undefined && { zone }),
  ...(label !== undefined && { label }),
})

/**
 * Which hosts a job is for, of those that listen now. A name that fits several is for all of them; one that fits nobody
 * stays for who comes with it.
 */
export function chosenHosts(
  { hosts, zone, count, percent }: JobScope,
  listening: readonly HostFacts[],
): readonly Chosen[] {
  const fitting = hosts === undefined ? listening.filter((host) => zone === undefined || host.zone === zone) : undefined
  const chosen = fitting?.map((host): Chosen => ({ host })) ?? namedHosts(hosts ?? [], listening)
  const most = percent === undefined ? count : Math.ceil((chosen.length * percent) / 100)
  return most === undefined ? chosen : spread(chosen, most)
}

function namedHosts(names: readonly string[], listening: readonly HostFacts[]): readonly Chosen[] {
  const byName = new Map<string, HostFacts[]>()
  for (const host of listening) {
    for (const name of new Set(namesOf(host))) byName.set(name, [...(byName.get(name) ?? []), host])
  }
  const chosen = new Map<string, Chosen>()
  for (const named of new Set(names)) {
    const found = byName.get(named)
    if (found === undefined) chosen.set(named, { named })
    for (const host of found ?? []) if (!chosen.has(host.id)) chosen.set(host.id, { host, named })
  }
  return [...chosen.values()]
}

/** One of each zone in turn, until there are `most`. */
function spread(chosen: readonly Chosen[], most: number): readonly Chosen[] {
  const zones = new Map<string, Chosen[]>()
  for (const each of chosen) {
    const zone = ('host' in each && each.host.zone) || ''
    const others = zones.get(zone)
    if (others === undefined) zones.set(zone, [each])
    else others.push(each)
  }
  const queues = [...zones.values()]
  const rounds = Math.max(0, ...queues.map(({ length }) => length))
  const inTurn = Array.from({ length: rounds }, (_, i) => queues.flatMap((queue) => queue[i] ?? []))
  return inTurn.flat().slice(0, most)
}
