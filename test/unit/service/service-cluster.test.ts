import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { memberSource, serviceCluster } from '../../../lib/service/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const member = (id: string) => ({ id, url: `http://${id}.example:64001` })

test('listeners may be called by the hosts of the members of now', async () => {
  await using folder = await tempFolder('service-cluster')
  const path = join(folder.path, 'members.json')
  const clock = fakeClock()
  const runtime = { clock, random: seededRandom(1), logger: silentLogger(), metrics: recordingMetrics() }
  const cluster = serviceCluster(runtime as never, { name: 'origins', members: { dns: undefined, file: { path } } })
  expect(cluster.hosts()).toEqual([])
  await writeFile(path, JSON.stringify([member('one')]))
  await cluster.feed.start()
  await cluster.feed.known({})
  expect(cluster.hosts()).toEqual(['one.example'])
  await writeFile(path, JSON.stringify([member('two'), member('three')]))
  await eventually(async () => {
    await clock.advance(1_000)
    expect(cluster.hosts()).toEqual(['two.example', 'three.example'])
  })
  await cluster.feed.stop()
})

describe('a member with an address for each network', () => {
  const runtime = { clock: fakeClock(), random: seededRandom(1), logger: silentLogger(), metrics: recordingMetrics() }
  const both = [
    { id: 'one', url: 'http://one.example:1', addresses: { far: 'http://10.0.0.1:7' } },
    { id: 'two', addresses: { near: 'http://two.example:2', far: 'http://10.0.0.2:7' } },
  ]
  const ring = (network: string | undefined) =>
    serviceCluster(runtime as never, { name: 'origins', members: both, network })

  test('is called at that of the network that the caller is in, or else at its one for all', () => {
    expect(ring('near').members.map(({ url }) => url)).toEqual(['http://one.example:1', 'http://two.example:2'])
    expect(ring('far').members.map(({ url }) => url)).toEqual(['http://10.0.0.1:7', 'http://10.0.0.2:7'])
  })

  test('may call its listeners by the hosts of all its networks', () => {
    expect(ring('far').hosts()).toEqual(['one.example', '10.0.0.1', 'two.example', '10.0.0.2'])
  })

  test.each([undefined, 'elsewhere', 'toString'])(
    'cannot be called from the network %s, where it has none',
    (network) => {
      expect(() => ring(network)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('two') }),
      )
    },
  )

  test('comes from a file, too, of which nothing counts when one cannot be called', async () => {
    await using folder = await tempFolder('service-cluster')
    const path = join(folder.path, 'members.json')
    await writeFile(path, JSON.stringify(both))
    const read = (network: string) => memberSource({ dns: undefined, file: { path } }, network).read()
    expect((await read('far')).members.map(({ url }) => url)).toEqual(['http://10.0.0.1:7', 'http://10.0.0.2:7'])
    await expect(read('elsewhere')).rejects.toMatchObject({ code: 'MEMBERS_UNAVAILABLE' })
  })
})
