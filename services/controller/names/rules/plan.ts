/** An A record that stands in the zone. */
export interface FoundRecord {
  /** The whole name, without a dot at its end. */
  readonly name: string
  readonly address: string
  /** Seconds; undefined where the zone keeps none for a record. */
  readonly ttl: number | undefined
  /** It carries our mark. What does not is nobody's business here: it is not changed. */
  readonly own: boolean
  /** How the zone calls it, where it has a name for each record. */
  readonly id?: string | undefined
  /** The zone has said that it was removed, and shows it still: perhaps an answer of before. */
  readonly doubtful?: boolean
}

/** An A record that is to stand there. */
export interface WantedRecord {
  readonly name: string
  readonly address: string
  readonly ttl: number
}

/**
 * Who writes. `leader`: it holds the lease. `last`: it held the lease until the API server could not be reached, and nobody
 * can have told it of another leader; it may only take out caches that do not answer, and never half of a name.
 */
export type Power = 'leader' | 'last'

/** `good`: readers may be sent there. `bad`: they may not. `dead`: nobody answers there. `unknown`: it was not asked yet. */
export type Standing = 'good' | 'bad' | 'dead' | 'unknown'

export interface PlanInput {
  /** The addresses that a name is to have. */
  readonly wanted: ReadonlyMap<string, readonly string[]>
  readonly found: readonly FoundRecord[]
  readonly standing: (address: string) => Standing
  /** Seconds. */
  readonly ttl: number
  readonly power: Power
}

export interface Plan {
  /** New records, and those of ours whose TTL is another. */
  readonly put: readonly WantedRecord[]
  /** Only of ours. */
  readonly remove: readonly FoundRecord[]
}

/**
 * The next step for all names.
 *
 * - What is missing is put. A record that is only not needed any more goes when all that is wanted is found: what was put
 *   counts when the zone shows it, not when it says yes.
 * - A record that leads to a cache that must not be asked goes at once, as long as one that may be asked stays. Where none
 *   would stay, the name keeps all it has.
 * - One step takes at most half of the records of a name, so that what two controllers do at the same moment, each without
 *   knowing of the other, never is the whole of it (`last` takes less than half).
 */
export function planOf(input: PlanInput): Plan {
  const byName = new Map<string, FoundRecord[]>([...input.wanted.keys()].map((name) => [name, []]))
  for (const record of input.found) {
    const known = byName.get(record.name)
    if (known === undefined) byName.set(record.name, [record])
    else known.push(record)
  }
  const put: WantedRecord[] = []
  const remove: FoundRecord[] = []
  for (const [name, found] of byName) {
    const wanted = input.wanted.get(name)
    // A name that nobody asks for any more keeps what it has: a reader may still know it.
    const plan = planOfName(name, { found, wanted: wanted ?? found.map(({ address }) => address) }, input)
    put.push(...plan.put)
    remove.push(...plan.remove)
  }
  return { put, remove }
}

interface NameState {
  readonly found: readonly FoundRecord[]
  readonly wanted: readonly string[]
}

function planOfName(name: string, { found, wanted }: NameState, { standing, ttl, power }: PlanInput): Plan {
  const own = found.filter((record) => record.own)
  const sure = found.filter(({ doubtful }) => doubtful !== true)
  const there = new Set(sure.map(({ address }) => address))
  const missing = wanted.filter((address) => !there.has(address))
  const late = own
    .filter((record) => isLate(record, ttl) && wanted.includes(record.address))
    .map(({ address }) => address)
  const put = power === 'last' ? [] : [...new Set([...missing, ...late])]

  const goes = ({ address }: FoundRecord) =>
    standing(address) === 'dead' || (power === 'leader' && standing(address) === 'bad')
  const spare = ({ address }: FoundRecord) =>
    power === 'leader' && missing.length === 0 && standing(address) === 'good' && !wanted.includes(address)
  const most = power === 'leader' ? Math.floor(found.length / 2) : Math.ceil(found.length / 2) - 1
  const remove = [...own.filter(goes), ...own.filter(spare)].slice(0, Math.max(0, most))
  const gone = new Set(remove)
  const stays = sure.some((record) => !gone.has(record) && standing(record.address) === 'good')
  return { put: put.map((address) => ({ name, address, ttl })), remove: stays ? remove : [] }
}

const isLate = ({ ttl: has }: FoundRecord, ttl: number) => has !== undefined && has !== ttl
