export interface StoredRecord {
  readonly RecordID: string
  readonly Host: string
  readonly Type: string
  readonly Value: string
  readonly TTL: number
  readonly Line: string
  readonly Remark: string
  readonly Enable: boolean
}

export class VolcRefusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

interface ZoneState {
  readonly zid: number
  readonly records: Map<string, StoredRecord>
  count: number
}

type Given = Readonly<Record<string, unknown>>
export type Action = (given: Given, world: ZoneState) => unknown

const MOST_AT_ONCE = 500

const inZone =
  (action: Action): Action =>
  (given, world) => {
    if (Number(given['ZID']) !== world.zid) throw new VolcRefusal(400, 'ErrZoneNotFound')
    return action(given, world)
  }

const batch = (given: Given, name: string): readonly unknown[] => {
  const list = given[name]
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST_AT_ONCE)
    throw new VolcRefusal(400, 'ErrParamInvalid')
  return list
}

const same = (a: StoredRecord, b: Partial<StoredRecord>) =>
  a.Host === b.Host && a.Type === b.Type && a.Value === b.Value

function create(given: Partial<StoredRecord>, world: ZoneState): string {
  const { Host, Type, Value, TTL = 600, Line = 'default', Remark = '' } = given
  if (typeof Host !== 'string' || Type !== 'A' || !/^\d+(\.\d+){3}$/.test(Value ?? '') || typeof TTL !== 'number')
    throw new VolcRefusal(400, 'ErrParamInvalid')
  if ([...world.records.values()].some((record) => same(record, given))) throw new VolcRefusal(400, 'ErrDBDuplicated')
  world.count += 1
  const RecordID = `9${String(world.count).padStart(6, '0')}`
  world.records.set(RecordID, { RecordID, Host, Type, Value: Value ?? '', TTL, Line, Remark, Enable: true })
  return RecordID
}

/** By method and name. A batch with one wrong record is refused as a whole. */
export const actions: Readonly<Record<string, Action>> = {
  'GET ListRecords': inZone((given, { records }) => {
    const { Type: type, SearchMode: mode } = given
    const host = given['Host'] as string | undefined
    const [number, size] = [Number(given['PageNumber'] ?? 1), Number(given['PageSize'] ?? 20)]
    const fits = ({ Host, Type }: StoredRecord) =>
      (type === undefined || Type === type) &&
      (host === undefined || (mode === 'LIKE' ? Host.includes(host) : Host === host))
    const found = [...records.values()].filter(fits)
    const Records = found.slice((number - 1) * size, number * size)
    return { Records, Total: found.length, PageNumber: number, PageSize: size }
  }),
  'POST CreateRecord': inZone((given, world) => ({ RecordID: create(given, world) })),
  'POST BatchCreateRecord': inZone((given, world) => {
    const before = new Map(world.records)
    try {
      return { RecordIDs: batch(given, 'Records').map((one) => create(one as Partial<StoredRecord>, world)) }
    } catch (err) {
      world.records.clear()
      for (const [id, record] of before) world.records.set(id, record)
      throw err
    }
  }),
  'POST BatchUpdateRecord': inZone((given, { records }) => {
    for (const one of batch(given, 'Records') as readonly Partial<StoredRecord>[]) {
      const old = records.get(one.RecordID ?? '')
      if (old === undefined) throw new VolcRefusal(400, 'ErrRecordNotFound')
      records.set(old.RecordID, { ...old, ...one })
    }
    return {}
  }),
  'POST BatchDeleteRecord': inZone((given, { records }) => {
    const ids = batch(given, 'RecordIDs') as readonly string[]
    if (ids.some((id) => !records.has(id))) throw new VolcRefusal(400, 'ErrRecordNotFound')
    for (const id of ids) records.delete(id)
    return {}
  }),
}
