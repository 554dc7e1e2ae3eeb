import { expect, test } from '@jest/globals'
import { STANDS_ALONE_HEADER } from '../../../lib/api/index.ts'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { lifecycle } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { barredBackend } from '../../kit/barred-backend.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { eventually } from '../../kit/eventually.ts'
import { linkBlob } from '../../kit/link-blob.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { putOnS3 } from '../../kit/s3-object.ts'
import { startS3Server } from '../../kit/s3-server/index.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'
import { watchedBackend } from '../../kit/watched-backend.ts'

const MIB = 1024 * 1024
const size = 24 * MIB + 333
const content = cipherBytes('a cold blob that is read in part', size)
const digest = digestOf(content)
const ids = ['origin-1', 'origin-2']
const overrides = ['origin.ingest.fill=off', 'origin.ingest.idle=1s']
const others = ['tracker-1', 'build-index-1', 'build-index-2', 'proxy-1']

const urlAt = (shoal: Topology, id: string) => `${shoal.url(id)}/namespace/app/blobs/${digest}`

async function readsRange(url: string, [start, end]: readonly [number, number]): Promise<boolean> {
  const headers = { range: `bytes=${start}-${end - 1}`, [STANDS_ALONE_HEADER]: '1' }
  const answer = await fetch(url, { headers })
  const got = Buffer.from(await answer.arrayBuffer())
  return answer.status === 206 && got.equals(content.subarray(start, end))
}

async function readsWhole(url: string): Promise<boolean> {
  return Buffer.from(await (await fetch(url)).arrayBuffer()).equals(content)
}

async function heldBytes(url: string): Promise<number> {
  const { ranges } = (await (await fetch(`${url}/holding`)).json()) as { ranges: [number, number][] }
  return ranges.reduce((sum, [start, end]) => sum + end - start, 0)
}

/** Two origins over one backend that is read in units of 1 MiB; each asks for its own, and the second follows the first. */
function startLab() {
  return buildResource(async (stack) => {
    const inner = memoryBackend({ unitBytes: MIB })
    await inner.write(blobKey(digest), content, { size })
    const watched = watchedBackend(inner)
    const barred = barredBackend(watched.backend)
    const backends = { ...lifecycle([]), backendFor: () => barred.backend }
    const shoal = stack.own(
      await startTopology({
        ...{ agents: 0, origins: 2, trackers: 1, processes: [], later: others, overrides },
        originParts: () => ({ backends }),
      }),
    )
    const [first = '', second = ''] = clusterOf(ids.map((id) => ({ id, url: '' })))
      .owners(digest)
      .map(({ id }) => id)
    const unwanted = () => Promise.all(ids.map((id) => shoal.counter(id, 'shoal_ingest_unwanted_total')))
    return { shoal, barred, watched, unwanted, first: urlAt(shoal, first), second: urlAt(shoal, second) }
  })
}

test('where nothing is filled, a range costs its units, and what a client has left is not read again for the next one', async () => {
  await using lab = await startLab()
  const { barred, watched, first, second, unwanted } = lab
  expect(await readsRange(second, [3 * MIB + 5, 3 * MIB + 9])).toBe(true)
  expect(await readsRange(first, [3 * MIB + 700, 4 * MIB])).toBe(true)
  expect(watched.counts.total).toBe(MIB)

  barred.bar(({ start }) => start >= 10 * MIB)
  const client = new AbortController()
  const { body } = await fetch(second, { signal: client.signal })
  const reader = body!.getReader()
  for (let got = 0; got < 2 * MIB; ) {
    const { value } = (await reader.read()) as { value: Uint8Array }
    got += value.length
  }
  client.abort()
  await eventually(async () => expect(await unwanted()).toEqual([1, 1]))
  const left = watched.counts.total
  expect(left).toBeLessThanOrEqual(10 * MIB)
  barred.bar(() => false)
  expect(await readsRange(first, [3 * MIB, 3 * MIB + 9])).toBe(true)
  expect(watched.counts.total).toBe(left)

  expect(await readsWhole(second)).toBe(true)
  expect(watched.counts.between(size)).toEqual({ least: 1, most: 1 })
  expect(watched.counts.total).toBe(size)
})

test('what a killed origin had read of a blob is not read again', async () => {
  await using server = await startS3Server()
  const key = blobKey(digest)
  const backend = await putOnS3(server, key, content)
  await using shoal = await startTopology({
    ...{ agents: 0, origins: 1, trackers: 1, later: others, processes: ['origin-1'] },
    overrides: [...overrides, `origin.backends=${JSON.stringify([{ repository: '*', backend }])}`],
  })
  const url = urlAt(shoal, 'origin-1')
  expect(await readsRange(url, [9 * MIB, 9 * MIB + 9])).toBe(true)
  const unit = server.bytesGiven(key)
  expect(unit).toBeLessThan(size / 4)
  // A killed process has only what it had stored.
  await eventually(async () => expect(await heldBytes(url)).toBe(unit))
  await shoal.kill('origin-1')
  await shoal.start('origin-1')
  expect(await readsRange(url, [9 * MIB + 5, 9 * MIB + 70_000])).toBe(true)
  expect(server.bytesGiven(key)).toBe(unit)
  expect(await readsWhole(url)).toBe(true)
  expect(server.bytesGiven(key)).toBe(size)
})

test('an agent whom no origin takes in as a peer says over HTTP what it reads, and nothing else is brought', async () => {
  const inner = memoryBackend({ unitBytes: MIB })
  await inner.write(blobKey(digest), content, { size })
  const watched = watchedBackend(inner)
  const backends = { ...lifecycle([]), backendFor: () => watched.backend }
  await using shoal = await startTopology({
    ...{ agents: 1, origins: 1, trackers: 1, processes: [], later: ['proxy-1'] },
    overrides: ['origin.ingest.fill=off', 'origin.allowedPeers=["192.0.2.0/24"]'],
    originParts: () => ({ backends }),
  })
  await linkBlob(shoal, 'app', digest, size)
  const [start, end] = [7 * MIB + 5, 7 * MIB + 9_000]
  const answer = await fetch(`${shoal.url('agent-1', 'registry')}/v2/app/blobs/${digest}`, {
    headers: { range: `bytes=${start}-${end - 1}` },
  })
  const got = Buffer.from(await answer.arrayBuffer())
  expect([answer.status, got.equals(content.subarray(start, end))]).toEqual([206, true])
  expect(watched.counts.total).toBe(MIB)
})
