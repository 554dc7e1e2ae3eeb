import { describe, expect, test } from '@jest/globals'
import { systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { privateZone, privateZoneApi } from '../../../services/controller/names/index.ts'
import { privateZoneServer, REGION, VOLC_KEY, VolcRefusal } from '../../kit/private-zone-server/index.ts'
import { type ZoneWorld, zoneSuite } from './zone-suite.ts'

const ZID = 2_450_000
const ZONE = 'p2p.test'
const BASE = `c1.${ZONE}`
const MARK = 'shoal:one'

const hostOf = (name: string) => name.slice(0, -ZONE.length - 1)

const open = async () => {
  const clock = systemClock()
  const server = await privateZoneServer(ZID, clock)
  const http = httpClient({ clock })
  await http.start()
  const world = {
    server,
    zone: (mark = MARK, key = VOLC_KEY) => {
      const api = privateZoneApi({ http, clock, key: () => key }, { endpoint: server.url, region: REGION })
      return privateZone({ api }, { zid: ZID, zoneName: ZONE, base: BASE, mark })
    },
    async foreign(records) {
      for (const [i, { name, address, ttl }] of records.entries())
        server.records.set(`f${i}`, {
          ...{ RecordID: `f${i}`, Host: hostOf(name), Type: 'A', Value: address, TTL: ttl },
          ...{ Line: 'default', Remark: 'by hand', Enable: true },
        })
    },
    addresses: async (name) =>
      [...server.records.values()]
        .filter(({ Host, Enable }) => Host === hostOf(name) && Enable)
        .map(({ Value }) => Value),
    others: async () => JSON.stringify([...server.records.values()].filter(({ Remark }) => Remark !== MARK)),
    breakOff: () => server.stop(),
    async [Symbol.asyncDispose]() {
      await http.stop()
      await server.stop()
    },
  } satisfies ZoneWorld & Record<string, unknown>
  return world
}

zoneSuite('privatezone', { open, keepsTtl: true })

const record = (n: number) => ({ name: BASE, address: `10.0.${n >> 8}.${n & 255}`, ttl: 10 })

describe('a private zone', () => {
  test('is read page by page, and written in one request', async () => {
    await using world = await open()
    const zone = world.zone()
    await zone.put(Array.from({ length: 250 }, (_, n) => record(n)))
    expect(world.server.asked).toEqual(['BatchCreateRecord'])
    expect((await zone.read([BASE])).length).toBe(250)
    expect(world.server.asked.slice(1)).toEqual(['ListRecords', 'ListRecords', 'ListRecords'])
  })

  test('shows only records below the base, though the search finds more', async () => {
    await using world = await open()
    await world.foreign([{ name: `xc1x.${ZONE}`, address: '10.9.9.9', ttl: 10 }])
    expect(await world.zone().read([BASE, `xc1x.${ZONE}`])).toEqual([])
  })

  test('has a record again that somebody has switched off', async () => {
    await using world = await open()
    const zone = world.zone()
    await zone.put([record(1)])
    for (const [id, one] of world.server.records) world.server.records.set(id, { ...one, Enable: false })
    expect(await zone.read([BASE])).toEqual([])
    await zone.put([record(1)])
    expect((await zone.read([BASE])).map(({ address }) => address)).toEqual(['10.0.0.1'])
  })

  test.each([
    [new VolcRefusal(429, 'FlowLimitExceeded'), 'ZONE_THROTTLED'],
    [new VolcRefusal(400, 'ErrQuotaExceeded'), 'ZONE_REFUSED'],
    [new VolcRefusal(403, 'AccessDenied'), 'ZONE_DENIED'],
    [new VolcRefusal(500, 'ErrInternalServer'), 'ZONE_UNAVAILABLE'],
  ])('that answers %s fails with %s', async (refusal, code) => {
    await using world = await open()
    world.server.refusal = refusal
    await expect(world.zone().read([BASE])).rejects.toMatchObject({ code, detail: { reason: refusal.code } })
    await expect(world.zone().put([record(1)])).rejects.toMatchObject({ code })
  })

  test('takes no request with a wrong secret', async () => {
    await using world = await open()
    const zone = world.zone(MARK, { ...VOLC_KEY, secretAccessKey: 'another' })
    await expect(zone.read([BASE])).rejects.toMatchObject({ code: 'ZONE_DENIED' })
  })
})
