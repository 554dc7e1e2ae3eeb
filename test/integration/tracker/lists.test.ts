import { expect, test } from '@jest/globals'
import { trackerClient } from '../../../lib/api/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { trackerService } from '../../../services/tracker/index.ts'
import { blobsNamed, nodesFrom } from '../../bench/announce-load.ts'
import { join, leave, walk } from '../../bench/list-walk.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { trackerConfig } from '../../kit/tracker-config.ts'

const SWARMS = 300
const NODES = 150
const ROUNDS = 3

const tracker = () =>
  buildResource(async (stack) => {
    const config = await trackerConfig(stack, { announce: { minInterval: '10m', maxInterval: '10m' } })
    const service = trackerService({ logger: silentLogger() }, config)
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    await service.start()
    const http = stack.own(disposableHttp())
    return { http, api: trackerClient(http, service.url), url: service.adminUrl }
  })

/** The short form of the bench `tracker-lists`. */
test('over all pages each swarm and each host that stays is listed exactly once, while others come and go', async () => {
  await using it = await tracker()
  const [blobs, moving] = [blobsNamed('lists', SWARMS), blobsNamed('moving', SWARMS)]
  const [nodes, guests] = [nodesFrom(0, NODES), nodesFrom(NODES, 20)]
  await join(it.api, nodes, blobs)
  let [over, moves] = [false, 0]
  const move = async () => {
    for (; !over; moves += 1) {
      await join(it.api, guests, moving)
      await leave(it.api, guests, moving)
    }
  }
  const moved = move()
  const staying = new Set<string>(blobs.map(({ swarmId }) => swarmId))
  const passing = new Set<string>(moving.map(({ swarmId }) => swarmId))
  for (let round = 0; round < ROUNDS || moves < 1; round += 1) {
    const { ids } = await walk(it.http, `${it.url}/swarms?n=7`)
    expect(ids.filter((id) => !passing.has(id)).toSorted()).toEqual([...staying].toSorted())
    expect(new Set(ids).size).toBe(ids.length)
    const hosts = await walk(it.http, `${it.url}/hosts?n=7`)
    expect(new Set(hosts.ids).size).toBe(hosts.ids.length)
    expect(nodes.filter(({ peerId }) => !hosts.ids.includes(peerId))).toEqual([])
  }
  over = true
  await moved
  const one = `${it.url}/swarms/${blobs[0]?.swarmId}`
  const { ids } = await walk(it.http, `${one}?n=2`)
  expect(ids).toEqual((await walk(it.http, `${one}?n=1000`)).ids)
  expect(ids.length).toBeGreaterThan(2)
})
