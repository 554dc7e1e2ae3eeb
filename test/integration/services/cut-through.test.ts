import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import { digestOf, WITHHELD_TAIL_BYTES } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { type ByteCounts, byteCounts } from '../../kit/byte-counts.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { eventually } from '../../kit/eventually.ts'
import { type FaultedRequest, gate, rangeStart } from '../../kit/http-faults.ts'
import { linkBlob } from '../../kit/link-blob.ts'
import { type ObjectServer, objectServer } from '../../kit/object-server.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { s3Config } from '../../kit/s3-object.ts'
import { startS3Server } from '../../kit/s3-server/index.ts'
import { type SlowPull, slowPull } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
const size = 12 * MIB
/** Of the blob that 20 agents pull. */
const pushedSize = 6 * MIB
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

test('after a push, with the folders of the origins gone, 20 cold agents: each client has its first byte before the origins have a tenth of the blob, and each byte leaves the store once', async () => {
  await using bucket = await startS3Server()
  const rules = [{ repository: '*', backend: s3Config(bucket) }]
  await using shoal = await startTopology({
    ...{ agents: 20, origins: ids.length, trackers: 1, processes: [] },
    overrides: [`origin.backends=${JSON.stringify(rules)}`],
  })
  const blob = await pushBlobOf(shoal, 'team/app', pushedSize)
  const key = blobKey(blob.digest)
  await eventually(() => expect(bucket.object(key)?.byteLength).toBe(pushedSize))
  await Promise.all(ids.map((id) => shoal.stop(id)))
  await Promise.all(ids.map((id) => rm(join(shoal.data, id), { recursive: true })))

  const opened = deferred()
  const sofar = bucket.faults.requests.length
  bucket.faults.next(
    { method: 'GET', path: new RegExp(key), times: Number.POSITIVE_INFINITY },
    gate(pushedSize / 12, opened.promise),
  )
  const given = () => rangesGiven(bucket.faults.requests.slice(sofar).filter(({ url }) => url.includes(key)))
  await Promise.all(ids.map((id) => shoal.start(id)))
  const agents = shoal.plan.agent.map(({ id }) => id)
  const pulls = await Promise.all(agents.map((id) => slowPull(shoal.url(id, 'registry') + blob.path)))
  await Promise.all(pulls.map((pull) => pull.readTo(1)))
  expect(pulls).toHaveLength(20)
  expect(given().total).toBeLessThanOrEqual(pushedSize / 10)

  opened.resolve()
  expect(await Promise.all(pulls.map((pull) => pull.finish()))).toEqual(agents.map(() => blob.digest))
  expect(given().between(pushedSize)).toEqual({ least: 1, most: 1 })
  // Those who wait at the gate share what comes: the origins give a few copies, and not twenty.
  const fromOrigins = await Promise.all(
    agents.map((id) => shoal.counter(id, 'shoal_received_bytes_total', 'from="origin"')),
  )
  expect(fromOrigins.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(5 * pushedSize)
})

/** What left the store, by the ranges that were asked for. */
function rangesGiven(requests: readonly FaultedRequest[]): ByteCounts {
  const counts = byteCounts()
  for (const { range, sentBytes } of requests) {
    const start = rangeStart(range)
    counts.add({ start, end: start + sentBytes })
  }
  return counts
}

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
