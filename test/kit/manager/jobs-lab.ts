import { expect } from '@jest/globals'
import { type AdminClient, adminClient, managerApi, trackerAdmin } from '../../../lib/api/index.ts'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../eventually.ts'
import { type FixtureImage, imageFixture } from '../image-fixture.ts'
import { registryClient } from '../registry-client.ts'
import { buildResource } from '../resource-stack.ts'
import { disposableHttp } from '../scripted-server.ts'
import { everySecret, secretOverrides } from '../secrets.ts'
import { startTopology, type Topology, type TopologyInit } from '../topology.ts'

type Manager = AdminClient<typeof managerApi>
type Given = Parameters<Manager['createJob']>[0]['body']

/** A manager in a process of its own, and a cluster that has joined it. */
export interface JobsLab extends AsyncDisposable {
  readonly shoal: Topology
  readonly manager: Manager
  /** The base URL of the manager's listener for whoever has `secrets.admin`. */
  readonly url: string
  /** Pushes an image through the proxy. */
  push(name: string, tag: string, sizes?: readonly number[]): Promise<FixtureImage>
  give(body: Given): Promise<string>
  ended(id: string): Promise<Awaited<ReturnType<Manager['job']>>>
  restart(): Promise<void>
}

const TOKEN = 'join-token-of-a-test-0123456789'

export function jobsLab(init: Partial<TopologyInit> = {}): Promise<JobsLab> {
  return buildResource(async (stack) => {
    const size = { agents: 3, origins: 2, trackers: 1, managers: 1, joinToken: TOKEN, ...init }
    const shoal = stack.own(
      await startTopology({
        ...size,
        processes: init.processes ?? ['manager-1'],
        overrides: [
          ...[
            ...secretOverrides(),
            'proxy.anonymous=write',
            'agent.registry.anonymous=read',
            'tracker.fleet.gather=0s',
          ],
          ...['manager.clusters.heartbeat=500ms', 'manager.jobs.look=50ms', ...(init.overrides ?? [])],
        ],
      }),
    )
    const http = stack.own(disposableHttp({ token: everySecret.admin }))
    const url = shoal.url('manager-1', 'admin')
    const manager = adminClient(http, url, managerApi)
    const joined = 4 + size.origins + size.trackers - 1
    const ready = () =>
      eventually(async () => {
        const { members } = await manager.members({})
        expect(members.filter(({ state }) => state === 'ok')).toHaveLength(joined)
      })
    await ready()
    const tracker = adminClient(http, shoal.url('tracker-1', 'admin'), trackerAdmin)
    await eventually(async () => expect(await tracker.statistics({})).toMatchObject({ listening: size.agents }))
    const random = seededRandom(7)
    return {
      ...{ shoal, manager, url },
      async push(name, tag, sizes) {
        const image = imageFixture(random, sizes)
        await pushImage(registryClient(shoal.url('proxy-1', 'registry')), name, image, [tag])
        return image
      },
      give: async (body) => (await manager.createJob({ body })).id,
      ended: (id) =>
        eventually(async () => {
          const job = await manager.job({ id })
          expect(job.endedAtMs).toBeDefined()
          return job
        }),
      async restart() {
        await shoal.kill('manager-1')
        await shoal.start('manager-1')
      },
    }
  })
}
