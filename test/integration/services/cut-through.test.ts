import { expect, test } from '@jest/globals'
import { digestOf, WITHHELD_TAIL_BYTES } from '../../../lib/core/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { eventually } from '../../kit/eventually.ts'
import { linkBlob } from '../../kit/link-blob.ts'
import { type ObjectServer, objectServer } from '../../kit/object-server.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { type SlowPull, slowPull } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
const size = 12 * MIB
const content = cipherBytes('cut through', size)
const digest = digestOf(content)
const path = `/v2/team/app/blobs/${digest}`

const ids = ['origin-1', 'origin-2', 'origin-3']
const [first = '', second = ''] = clusterOf(ids.map((id) => ({ id, url: '' })))
  .owners(digest)
  .map(({ id }) => id)

interface Lab {
  readonly shoal: Topology
  readonly store: ObjectServer
  readonly agents: readonly string[]
  pull(agent: string): Promise<SlowPull>
  /** The blob at an origin. */
  url(origin: string): string
}

/** Cold agents and cold origins over a store with `object` in place of the blob; those in `processes` can be killed. */
function startLab(agents: number, object: Uint8Array = content, processes: readonly string[] = []) {
  return buildResource<Omit<Lab, keyof AsyncDisposable>>(async (stack) => {
    const store = stack.own(await objectServer(object))
    const rule = { repository: '*', backend: { driver: 'http', url: `${store.url}/{key}` } }
    const shoal = stack.own(
      await startTopology({
        ...{ agents, origins: 3, trackers: 1, processes },
        overrides: [`origin.backends=${JSON.stringify([rule])}`],
      }),
    )
    await linkBlob(shoal, 'team/app', digest, size)
    return {
      ...{ shoal, store },
      agents: Array.from({ length: agents }, (_, i) => `agent-${i + 1}`),
      pull: (agent) => slowPull(shoal.url(agent, 'registry') + path),
      url: (id) => `${shoal.url(id)}/namespace/team%2Fapp/blobs/${digest}`,
    }
  })
}

test('the first byte is at each agent before the origins have a tenth of the blob, and each byte leaves the store once', async () => {
  await using lab = await startLab(20)
  lab.store.openTo(MIB)
  const pulls = await Promise.all(lab.agents.map((agent) => lab.pull(agent)))
  await Promise.all(pulls.map((pull) => pull.readTo(MIB / 2)))
  expect(lab.store.counts.total).toBeLessThanOrEqual(size / 10)
  lab.store.openTo(Number.POSITIVE_INFINITY)
  expect(await Promise.all(pulls.map((pull) => pull.finish()))).toEqual(pulls.map(() => digest))
  expect(lab.store.counts.total).toBe(size)
})

test('a store whose last byte is wrong is read once: nobody gets the end of the blob, and nobody keeps any of it', async () => {
  const wrong = Buffer.from(content)
  wrong[size - 1] = (wrong[size - 1] ?? 0) ^ 1
  await using lab = await startLab(3, wrong)
  lab.store.openTo(size / 2)
  const pulls = await Promise.all([...lab.agents.map(lab.pull), ...ids.map((id) => slowPull(lab.url(id)))])
  await Promise.all(pulls.map((pull) => pull.readTo(size / 4)))
  lab.store.openTo(Number.POSITIVE_INFINITY)
  for (const pull of pulls) await expect(pull.finish()).rejects.toThrow()
  for (const pull of pulls) expect(pull.size).toBeLessThanOrEqual(size - WITHHELD_TAIL_BYTES)
  const again = await Promise.all(ids.map(async (id) => (await fetch(lab.url(id))).text()))
  for (const answer of again) expect(answer).toContain('DIGEST_REFUSED')
  expect(lab.store.counts.between(size)).toEqual({ least: 1, most: 1 })
  for (const id of [...ids, ...lab.agents]) {
    await eventually(async () => expect(await lab.shoal.counter(id, 'shoal_store_used_bytes')).toBe(0))
  }
})

test('the origin that brings the blob is killed by SIGKILL: agents and clients go on with what the others have, and the rest is read once', async () => {
  await using lab = await startLab(2, content, [first])
  lab.store.openTo(size / 2)
  const pulls = await Promise.all([...lab.agents.map(lab.pull), slowPull(lab.url(second))])
  await Promise.all(pulls.map((pull) => pull.readTo(size / 4)))
  await eventually(async () => {
    const { ranges } = (await (await fetch(`${lab.url(second)}/holding`)).json()) as { readonly ranges: unknown }
    expect(ranges).toEqual([[0, size / 2]])
  })
  await lab.shoal.kill(first)
  lab.store.openTo(Number.POSITIVE_INFINITY)
  expect(await Promise.all(pulls.map((pull) => pull.finish()))).toEqual(pulls.map(() => digest))
  expect(await lab.shoal.counter(second, 'shoal_received_bytes_total', 'from="backend"')).toBe(size / 2)
})
