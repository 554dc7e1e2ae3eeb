import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { serviceCluster } from '../../../lib/service/index.ts'
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
