import { type AbortOptions, appError, isAppError } from '../../../../../lib/base/index.ts'
import { recordKey } from '../../record-key.ts'
import type { FoundRecord, WantedRecord } from '../../rules/plan.ts'
import type { Zone } from '../../zone.ts'
import { type Fields, isFields, type PrivateZoneApi } from './private-zone-api.ts'

export interface PrivateZoneInit {
  /** The id of the zone. */
  readonly zid: number
  /** Its name: `p2p.volces.com`. */
  readonly zoneName: string
  /** The name below which all records of ours stand. */
  readonly base: string
  /** Whose records they are: it is the remark of each. */
  readonly mark: string
}

const PAGE = 100
/** More records than a zone of caches has: whoever needs more gives the caches a zone of their own. */
const MAX_PAGES = 100

interface Stored extends FoundRecord {
  readonly id: string
  readonly isEnabled: boolean
}

/**
 * A private zone of Volcano Engine. Each record that is ours has our mark as its remark; records without it are never
 * changed. One that somebody has switched off counts as missing, and is switched on again. A write is one request, or
 * two when some records are new and others are only changed.
 */
export function privateZone({ api }: { readonly api: PrivateZoneApi }, init: PrivateZoneInit): Zone {
  const { zid, mark } = init
  const hosts = hostNames(init)
  /** As they were read last. */
  let known: ReadonlyMap<string, Stored> = new Map()

  const look = async (options: AbortOptions): Promise<readonly Stored[]> => {
    const all = await listAll(api, init, options)
    known = new Map(all.map((record) => [recordKey(record), record]))
    return all
  }

  const create = (records: readonly WantedRecord[], options: AbortOptions) =>
    api.post(
      'BatchCreateRecord',
      { ZID: zid, Records: records.map((record) => fieldsOf(record, hosts, mark)) },
      options,
    )

  /** The batch holds something that is there already: all that is missing is made without it. */
  const createMissing = async (records: readonly WantedRecord[], options: AbortOptions) => {
    await look(options)
    const missing = records.filter((record) => !known.has(recordKey(record)))
    if (missing.length > 0) await create(missing, options).catch(unless(/duplicate/i))
  }

  return {
    async read(names, options = {}) {
      const all = await look(options)
      const shown = all.filter(({ own, name, isEnabled }) => isEnabled && (own || names.includes(name)))
      return shown.map(({ isEnabled: _, ...record }) => record)
    },
    async put(records, options = {}) {
      const theirs = records.filter((record) => known.get(recordKey(record))?.own === false)
      const [fresh, stored] = [[] as WantedRecord[], [] as Fields[]]
      for (const record of records) {
        const at = known.get(recordKey(record))
        if (at === undefined) fresh.push(record)
        else if (!theirs.includes(record))
          stored.push({ RecordID: at.id, ...fieldsOf(record, hosts, mark), Enable: true })
      }
      if (stored.length > 0) await api.post('BatchUpdateRecord', { ZID: zid, Records: stored }, options)
      if (fresh.length === 0) return
      try {
        await create(fresh, options)
      } catch (err) {
        unless(/duplicate/i)(err)
        await createMissing(fresh, options)
      }
    },
    async remove(records, options = {}) {
      const ids = records.flatMap(({ id, own }) => (own && id !== undefined ? [id] : []))
      const body = { ZID: zid, RecordIDs: ids }
      if (ids.length > 0) await api.post('BatchDeleteRecord', body, options).catch(unless(/not ?(found|exist)/i))
    },
  }
}

/** All records below the base, switched off ones too. @throws ZONE_REFUSED when there are too many */
async function listAll(api: PrivateZoneApi, init: PrivateZoneInit, options: AbortOptions): Promise<readonly Stored[]> {
  const { zid, mark, base } = init
  const hosts = hostNames(init)
  const found: Stored[] = []
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const answer = await api.get('ListRecords', { ...hosts.search, ZID: String(zid), ...pageOf(page) }, options)
    const { Records: records, Total: total } = answer
    const shown = Array.isArray(records) ? records : []
    for (const record of shown) {
      const stored = isFields(record) ? storedOf(record, hosts, mark) : undefined
      if (stored !== undefined) found.push(stored)
    }
    if (shown.length === 0 || page * PAGE >= Number(total)) return found
  }
  throw appError('ZONE_REFUSED', { message: `the zone has more than ${PAGE * MAX_PAGES} records like ${base}` })
}

/** Lets pass what the service calls so. @throws any other failure */
const unless = (reason: RegExp) => (err: unknown) => {
  const said = isAppError(err) ? err.detail?.['reason'] : undefined
  if (typeof said !== 'string' || !reason.test(said)) throw err
}

interface Hosts {
  /** How records below the base are asked for. */
  readonly search: Readonly<Record<string, string>>
  nameOf(host: string): string
  hostOf(name: string): string
  isBelow(host: string): boolean
}

/** A zone calls its records by what stands before its own name, and itself `@`. */
function hostNames({ zoneName, base }: PrivateZoneInit): Hosts {
  const hostOf = (name: string) => (name === zoneName ? '@' : name.slice(0, -zoneName.length - 1))
  const top = hostOf(base)
  return {
    hostOf,
    nameOf: (host) => (host === '@' ? zoneName : `${host}.${zoneName}`),
    isBelow: (host) => top === '@' || host === top || host.endsWith(`.${top}`),
    search: { Type: 'A', ...(top !== '@' && { Host: top, SearchMode: 'LIKE' }) },
  }
}

const pageOf = (page: number) => ({ PageNumber: String(page), PageSize: String(PAGE) })

function storedOf(record: Fields, hosts: Hosts, mark: string): Stored | undefined {
  const { RecordID: id, Host: host, Type: type, Value: address, TTL: ttl, Remark: remark, Enable: enable } = record
  if (type !== 'A' || typeof host !== 'string' || typeof address !== 'string') return undefined
  if ((typeof id !== 'string' && typeof id !== 'number') || !hosts.isBelow(host)) return undefined
  const stated = { id: String(id), own: remark === mark, isEnabled: enable !== false }
  return { name: hosts.nameOf(host), address, ttl: typeof ttl === 'number' ? ttl : undefined, ...stated }
}

const fieldsOf = ({ name, address, ttl }: WantedRecord, hosts: Hosts, mark: string): Fields => ({
  ...{ Host: hosts.hostOf(name), Type: 'A', Value: address, TTL: ttl, Remark: mark },
})
