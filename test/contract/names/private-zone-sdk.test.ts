import { describe, expect, test } from '@jest/globals'
import { Service } from '@volcengine/openapi'
import { systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { privateZone, privateZoneApi } from '../../../services/controller/names/index.ts'
import { privateZoneServer, REGION, VOLC_KEY } from '../../kit/private-zone-server/index.ts'
import { buildResource } from '../../kit/resource-stack.ts'

const ZID = 2_450_000
const ZONE = 'p2p.test'

/** One zone, with the vendor's own client and with ours. */
const lab = () =>
  buildResource(async (stack) => {
    const clock = systemClock()
    const server = stack.own(await privateZoneServer(ZID, clock))
    const http = httpClient({ clock })
    await http.start()
    stack.own({ [Symbol.asyncDispose]: () => http.stop() })
    const api = privateZoneApi({ http, clock, key: () => VOLC_KEY }, { endpoint: server.url, region: REGION })
    const ours = privateZone({ api }, { zid: ZID, zoneName: ZONE, base: `c1.${ZONE}`, mark: 'shoal:one' })
    const theirs = (key: { readonly secretAccessKey: string; readonly sessionToken?: string } = VOLC_KEY) => {
      const service = new Service({
        ...{ serviceName: 'private_zone', host: new URL(server.url).host, protocol: 'http:' },
        ...{ region: REGION, defaultVersion: '2022-06-01', accessKeyId: VOLC_KEY.accessKeyId },
        secretKey: key.secretAccessKey,
        ...(key.sessionToken !== undefined && { sessionToken: key.sessionToken }),
      })
      return {
        list: service.createAPI('ListRecords', { method: 'GET' }),
        create: service.createJSONAPI('BatchCreateRecord'),
      }
    }
    return { server, ours, theirs }
  })

const record = (Value: string, Remark: string) => ({ Host: 'c1', Type: 'A', Value, TTL: 10, Remark })
const listed = { ZID: String(ZID), PageNumber: '1', PageSize: '100', Remark: "a+b c/d~e'(f)*g" }

describe('the fake PrivateZone', () => {
  test('takes what the client of Volcano Engine has signed, as it takes ours; each sees what the other has written', async () => {
    await using it = await lab()
    const { list, create } = it.theirs()
    const made = await create({ ZID, Records: [record('10.0.0.1', 'shoal:one'), record('10.0.0.2', 'ümlaut')] })
    expect(made.ResponseMetadata.Error).toBeUndefined()
    await it.ours.put([{ name: `c1.${ZONE}`, address: '10.0.0.3', ttl: 10 }])
    const found = await it.ours.read([`c1.${ZONE}`])
    expect(found.map(({ address, own }) => [address, own])).toEqual([
      ['10.0.0.1', true],
      ['10.0.0.2', false],
      ['10.0.0.3', true],
    ])
    expect(await list(listed)).toMatchObject({ Result: { Total: 3 } })
  })

  test('takes it with a temporary key, whose token is signed, too', async () => {
    await using it = await lab()
    const { list } = it.theirs({ ...VOLC_KEY, sessionToken: 'a token' })
    expect(await list(listed)).toMatchObject({ Result: { Total: 0 } })
  })

  test('refuses it with a wrong secret', async () => {
    await using it = await lab()
    const { list, create } = it.theirs({ secretAccessKey: 'another' })
    const refused = { ResponseMetadata: { Error: { Code: 'SignatureDoesNotMatch' } } }
    expect(await list(listed)).toMatchObject(refused)
    expect(await create({ ZID, Records: [record('10.0.0.1', 'x')] })).toMatchObject(refused)
    expect(it.server.records.size).toBe(0)
  })
})
