import { sql } from 'kysely'
import { nextTurn } from '../../../lib/base/index.ts'
import type { ManagerDatabase, Reader } from '../database/index.ts'
import type { HostRow } from './tables.ts'

/** What a list of hosts shows; what is left out shows all. */
export interface HostFilter {
  readonly clusterId?: string | undefined
  readonly zone?: string | undefined
  readonly version?: string | undefined
  readonly state?: string | undefined
  readonly role?: string | undefined
  /** Those that run an older generation of settings than they should. */
  readonly behind?: true | undefined
  /** A part of its address, id or zone. */
  readonly text?: string | undefined
}

export interface HostPage {
  readonly rows: readonly HostRow[]
  readonly next: string | undefined
}

/** Where a page goes on: a cluster, and a host of it. */
type Place = Pick<HostRow, 'clusterId' | 'peerId'>

/** Windows of one page, each of so many hosts as one statement may look at. A page that ends there is short or empty, and more follow. */
const MAX_WINDOWS = 100

const columns = ['state', 'behind', 'zone', 'version', 'role'] as const
type Column = (typeof columns)[number]

const keyOf = ({ clusterId, peerId }: Place) => `${clusterId}/${peerId}`

function placeOf(last: string): Place {
  const [clusterId = '', peerId = ''] = last.split('/')
  return { clusterId, peerId }
}

/** The text as a part of a pattern of LIKE. */
const escaped = (text: string): string => text.toLowerCase().replace(/[\\%_]/g, (character) => `\\${character}`)

/** What a column of the hosts has that fit. */
const columnValue = (filter: HostFilter, column: Column): string | number =>
  column === 'behind' ? 1 : String(filter[column])

/** The filter by whose index the hosts are read: the one that is likely to leave the fewest. */
function leadingOf(filter: HostFilter): Column | undefined {
  const usual: Partial<Record<Column, string>> = { state: 'ok', role: 'agent' }
  return columns.find((column) => filter[column] !== undefined && filter[column] !== usual[column])
}

/** Hosts that fit the leading filter, in order, from behind one place up to and with another. */
function along(
  read: Reader,
  { clusterId, ...filter }: HostFilter,
  { after, until }: { readonly after: Place | undefined; readonly until?: Place | undefined },
) {
  const leading = leadingOf(filter)
  let found = read.selectFrom('hosts').orderBy('clusterId').orderBy('peerId')
  if (leading !== undefined) found = found.where(leading, '=', columnValue(filter, leading))
  if (clusterId !== undefined) found = found.where('clusterId', '=', clusterId)
  const bounds = [['>', after] as const, ['<=', until] as const]
  for (const [relation, place] of bounds) {
    if (place === undefined) continue
    found =
      // Within one cluster, an index is searched by the id alone.
      clusterId === undefined
        ? found.where((eb) => eb(eb.refTuple('clusterId', 'peerId'), relation, eb.tuple(place.clusterId, place.peerId)))
        : found.where('peerId', relation, place.peerId)
  }
  return found
}

type Along = ReturnType<typeof along>

/** Those that fit the rest of the filter as well; undefined: there is no rest. */
function restOf(filter: HostFilter) {
  const { text } = filter
  const leading = leadingOf(filter)
  const others = columns.filter((column) => column !== leading && filter[column] !== undefined)
  if (others.length === 0 && text === undefined) return undefined
  return (found: Along) => {
    const exact = others.reduce((left, column) => left.where(column, '=', columnValue(filter, column)), found)
    return text === undefined ? exact : exact.where(sql<boolean>`words like ${`%${escaped(text)}%`} escape '\\'`)
  }
}

/** The rows of these hosts, in their order; without those that are gone. */
async function rowsOf(read: Reader, places: readonly Place[]): Promise<readonly HostRow[]> {
  const found = new Map<string, HostRow>()
  for (const clusterId of new Set(places.map((place) => place.clusterId))) {
    const own = places.filter((place) => place.clusterId === clusterId).map(({ peerId }) => peerId)
    const rows = read.selectFrom('hosts').selectAll().where('clusterId', '=', clusterId).where('peerId', 'in', own)
    for (const row of await rows.execute()) found.set(keyOf(row), row)
  }
  return places.flatMap((place) => found.get(keyOf(place)) ?? [])
}

/** Where the page begins in what the filter shows; false: behind all of it. */
function beginOf({ clusterId }: HostFilter, last: string | undefined): Place | undefined | false {
  if (last === undefined) return undefined
  const place = placeOf(last)
  if (clusterId === undefined || place.clusterId === clusterId) return place
  return place.clusterId < clusterId ? undefined : false
}

/**
 * Hosts behind `last`, cluster by cluster, in the order of their peer ids. What no index finds is looked for in one window after
 * the other where others must have their turn between them.
 */
export async function hostPage(
  { read, rowsAtOnce }: Pick<ManagerDatabase, 'read' | 'rowsAtOnce'>,
  filter: HostFilter,
  { count, last }: { readonly count: number; readonly last?: string | undefined },
): Promise<HostPage> {
  const begin = beginOf(filter, last)
  if (begin === false) return { rows: [], next: undefined }
  const fits = restOf(filter)
  const places: Place[] = []
  let after = begin
  for (let windows = 0; windows < MAX_WINDOWS && places.length <= count; windows += 1) {
    // Others have their turn.
    if (windows > 0) await nextTurn()
    const end = along(read, filter, { after }).select(['clusterId', 'peerId'])
    const until =
      fits && rowsAtOnce !== undefined
        ? await end
            .offset(rowsAtOnce - 1)
            .limit(1)
            .executeTakeFirst()
        : undefined
    const within = along(read, filter, { after, until })
    const fitting = fits === undefined ? within : fits(within)
    const some = fitting.select(['clusterId', 'peerId']).limit(count + 1 - places.length)
    places.push(...(await some.execute()))
    after = until
    if (until === undefined) break
  }
  const shown = places.slice(0, count)
  const end = places.length > count ? shown.at(-1) : after
  return { rows: await rowsOf(read, shown), next: end && keyOf(end) }
}
