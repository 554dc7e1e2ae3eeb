import { expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { linkBlob } from '../../kit/link-blob.ts'
import { type ObjectServer, objectServer } from '../../kit/object-server.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { type SlowPull, slowPull } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
const size = 24 * MIB
const content = cipherBytes('cut through', size)
const digest = digestOf(content)
const path = `/v2/team/app/blobs/${digest}`

interface Lab {
  readonly shoal: Topology
  readonly store: ObjectServer
  readonly agents: readonly string[]
  pull(agent: string): Promise<SlowPull>
}

/** Cold agents and cold origins over a store with `object` in place of the blob. */
function startLab(agents: number, object: Uint8Array = content) {
  return buildResource<Omit<Lab, keyof AsyncDisposable>>(async (stack) => {
    const store = stack.own(await objectServer(object))
    const rule = { repository: '*', backend: { driver: 'http', url: `${store.url}/{key}` } }
    const shoal = stack.own(
      await startTopology({
        ...{ agents, origins: 3, trackers: 1, processes: [] },
        overrides: [`origin.backends=${JSON.stringify([rule])}`],
      }),
    )
    await linkBlob(shoal, 'team/app', digest, size)
    return {
      ...{ shoal, store },
      agents: Array.from({ length: agents }, (_, i) => `agent-${i + 1}`),
      pull: (agent) => slowPull(shoal.url(agent, 'registry') + path),
    }
  })
}

test('the first byte is at each agent before the origins have a tenth of the blob, and each byte leaves the store once', async () => {
  await using lab = await startLab(20)
  lab.store.openTo(size / 16)
  const pulls = await Promise.all(lab.agents.map((agent) => lab.pull(agent)))
  await Promise.all(pulls.map((pull) => pull.readTo(MIB)))
  expect(lab.store.counts.total).toBeLessThanOrEqual(size / 10)
  lab.store.openTo(Number.POSITIVE_INFINITY)
  expect(await Promise.all(pulls.map((pull) => pull.finish()))).toEqual(pulls.map(() => digest))
  expect(lab.store.counts.total).toBe(size)
}, 120_000)
