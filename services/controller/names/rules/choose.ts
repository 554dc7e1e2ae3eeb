import { createHash } from 'node:crypto'

/** A cache that may be named. */
export interface Eligible {
  /** IPv4; no two have the same. */
  readonly address: string
  readonly host: string | undefined
  readonly zone: string | undefined
  /** Bytes per second that it sends, as trackers hear of it; undefined when they do not know it. */
  readonly load: number | undefined
}

export interface ChoiceInit {
  /** Addresses that the name has now. */
  readonly members: ReadonlySet<string>
  /** Most addresses of the name; at least 1. */
  readonly most: number
  /** Whether one member may make way for a better cache; who asks bounds how often. */
  readonly mayReplace: boolean
}

export interface Choice {
  readonly addresses: readonly string[]
  /** One made way for another that is much better. */
  readonly replaced: boolean
}

/** A member makes way for a cache only when it sends so many times as much ... */
const MUCH_BETTER = 4
/** ... and at least so much more: 64 MiB/s. Below it nobody notices the difference. */
const WORTH_IT_BYTES = 64 * 1024 * 1024

/**
 * The caches that a name is to have: who is a member stays, as readers keep to the address that they took first. What is
 * free goes to caches in zones and on hosts with the fewest members, then to those that send least.
 */
export function choose(eligible: readonly Eligible[], { members, most, mayReplace }: ChoiceInit): Choice {
  const chosen = new Chosen()
  const staying = eligible.filter(({ address }) => members.has(address))
  const rest = new Set(eligible.filter(({ address }) => !members.has(address)))
  for (const cache of staying) chosen.add(cache)
  while (chosen.size > most) chosen.remove(chosen.worst())
  for (let next = chosen.best(rest); next !== undefined && chosen.size < most; next = chosen.best(rest)) {
    chosen.add(next)
    rest.delete(next)
  }
  const replaced = mayReplace && replaceOne(chosen, rest)
  return { addresses: chosen.addresses(), replaced }
}

/** Lets the member that costs most make way for the best of the rest, if that one is much better. */
function replaceOne(chosen: Chosen, rest: ReadonlySet<Eligible>): boolean {
  if (chosen.size === 0) return false
  const old = chosen.worst()
  chosen.remove(old)
  const best = chosen.best(rest)
  const better = best !== undefined && isMuchBetter(chosen, best, old)
  chosen.add(better ? best : old)
  return better
}

function isMuchBetter(others: Chosen, best: Eligible, old: Eligible): boolean {
  const [zones, hosts] = [others.inZone(old) - others.inZone(best), others.onHost(old) - others.onHost(best)]
  if (zones !== 0) return zones > 0
  if (hosts !== 0) return hosts > 0
  const [was, is] = [old.load ?? 0, best.load ?? 0]
  return was > is * MUCH_BETTER && was - is > WORTH_IT_BYTES
}

/** Members of one name, counted by zone and host. */
class Chosen {
  readonly #members = new Map<string, Eligible>()
  readonly #zones = new Map<string, number>()
  readonly #hosts = new Map<string, number>()

  get size(): number {
    return this.#members.size
  }

  addresses(): readonly string[] {
    return [...this.#members.keys()].sort()
  }

  add(cache: Eligible): void {
    this.#members.set(cache.address, cache)
    this.#count(cache, 1)
  }

  remove(cache: Eligible): void {
    this.#members.delete(cache.address)
    this.#count(cache, -1)
  }

  inZone({ zone = '' }: Eligible): number {
    return this.#zones.get(zone) ?? 0
  }

  /** Caches whose host is unknown are alone there. */
  onHost({ host }: Eligible): number {
    return host === undefined ? 0 : (this.#hosts.get(host) ?? 0)
  }

  /** Whom to take next: of equal ones always the same, whatever their order. */
  best(of: Iterable<Eligible>): Eligible | undefined {
    let best: Eligible | undefined
    for (const cache of of) if (best === undefined || this.#compare(cache, best) < 0) best = cache
    return best
  }

  /** The member without whom the others stand best. There must be one. */
  worst(): Eligible {
    let worst: Eligible | undefined
    for (const cache of this.#members.values())
      if (worst === undefined || this.#compare(cache, worst) > 0) worst = cache
    if (worst === undefined) throw new RangeError('nobody is chosen')
    return worst
  }

  #compare(a: Eligible, b: Eligible): number {
    return (
      this.inZone(a) - this.inZone(b) ||
      this.onHost(a) - this.onHost(b) ||
      loadClass(a) - loadClass(b) ||
      (rankOf(a.address) < rankOf(b.address) ? -1 : 1)
    )
  }

  #count({ zone = '', host }: Eligible, by: number): void {
    this.#zones.set(zone, (this.#zones.get(zone) ?? 0) + by)
    if (host !== undefined) this.#hosts.set(host, (this.#hosts.get(host) ?? 0) + by)
  }
}

/** Loads that nobody can tell apart are the same. */
const loadClass = ({ load }: Eligible) => (load === undefined ? 0 : Math.floor(load / WORTH_IT_BYTES))

const ranks = new Map<string, string>()
/** Addresses whose rank is remembered; beyond it all are computed anew. */
const MAX_RANKS = 10_000

/** An order of addresses that has nothing to do with where they stand. */
function rankOf(address: string): string {
  const known = ranks.get(address)
  if (known !== undefined) return known
  if (ranks.size >= MAX_RANKS) ranks.clear()
  const rank = createHash('sha256').update(address).digest('hex')
  ranks.set(address, rank)
  return rank
}
