import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { trackerClient } from '../../../lib/api/index.ts'
import { parseRepository, swarmIdOf } from '../../../lib/core/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { type RedisServer, redisServer } from '../../kit/redis-server.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { provenPeer } from '../../kit/sharing-trackers.ts'
import { slowPull } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const size = 12 * 1024 * 1024
const agents = ['agent-1', 'agent-2', 'agent-3'] as const
const trackers = ['tracker-1', 'tracker-2'] as const
/** The agents and the origin. */
const SEEDERS = agents.length + 1

let redis: RedisServer
let shoal: Topology

beforeAll(async () => {
  redis = await redisServer()
  shoal = await startTopology({
    ...{ agents: agents.length, origins: 1, trackers: trackers.length, processes: trackers },
    overrides: [
      // So a pull takes seconds, and agents share pieces.
      ...['agent.limits.download=6MB/s', 'origin.limits.upload=3MB/s'],
      ...['tracker.store.driver=redis', `tracker.store.url=${redis.url}`],
    ],
  })
})

afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
})

const pullsUnderWay = (blob: PushedBlob) =>
  Promise.all(
    agents.map(async (agent) => {
      const pull = await slowPull(shoal.url(agent, 'registry') + blob.path)
      await pull.readTo(size / 4)
      return pull
    }),
  )

const seedersInRedis = async ({ digest }: PushedBlob) =>
  Number(await redis.cli('zcard', `shoal:seeds:${swarmIdOf(digest)}`))

describe('a swarm of agents', () => {
  test('completes its pulls when redis is killed in the middle, and is in redis again when that is back', async () => {
    const blob = await pushBlobOf(shoal, 'pulled/without-redis', size)
    const pulls = await pullsUnderWay(blob)
    await redis.kill()
    try {
      expect(await Promise.all(pulls.map((pull) => pull.finish()))).toEqual(agents.map(() => blob.digest))
      for (const tracker of trackers) {
        const answer = await fetch(`${shoal.url(tracker, 'ops')}/readyz`)
        const notes = { store: expect.stringMatching(/^redis is away/) }
        expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready', notes }])
      }
    } finally {
      await redis.start()
    }
    await eventually(async () => expect(await seedersInRedis(blob)).toBe(SEEDERS))
  })

  test('is known to trackers that were killed and started again, before anybody announces', async () => {
    const blob = await pushBlobOf(shoal, 'pulled/restart', size)
    await Promise.all((await pullsUnderWay(blob)).map((pull) => pull.finish()))
    await eventually(async () => expect(await seedersInRedis(blob)).toBe(SEEDERS))
    await using http = disposableHttp()
    const swarmId = swarmIdOf(blob.digest)
    const repository = parseRepository('pulled/restart')
    const ask = {
      ...{ swarmId, repository, digest: blob.digest },
      event: 'started',
      leftBytes: size,
      wantPeers: 50,
      reports: [],
    } as const
    for (const tracker of trackers) {
      await shoal.kill(tracker)
      await shoal.start(tracker)
      const client = trackerClient(http, shoal.url(tracker))
      const [answer] = await client.announce({ peer: provenPeer(), torrents: [ask] })
      expect(answer?.peers.filter(({ complete }) => complete)).toHaveLength(SEEDERS)
    }
  })
})
