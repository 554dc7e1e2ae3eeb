import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Deferred, deferred, seededRandom, shuffled } from '../../../lib/base/index.ts'
import { type Digest, digestOf } from '../../../lib/core/index.ts'
import { recordingLogger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { byteCounts } from '../../kit/byte-counts.ts'
import { readByteranges } from '../../kit/byteranges.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { hold, tooManyRequests } from '../../kit/http-faults.ts'
import { type Bytes, mountReads, overlappingReads } from '../../kit/lazy-mount.ts'
import { linkBlob } from '../../kit/link-blob.ts'
import { objectServer } from '../../kit/object-server.ts'
import { type RegistryAnswer, registryClient } from '../../kit/registry-client.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { putOnS3 } from '../../kit/s3-object.ts'
import { type S3Server, startS3Server } from '../../kit/s3-server/index.ts'
import { startTopology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
/** As of a layer that was traced; no multiple of anything. */
const SIZE = 33_330_915
const PARALLEL_CHUNK = 8 * MIB
/** A byte that only the prefetch asks for, and what fills the blob behind all readers. */
const THROTTLED_BYTE = 20 * MIB

interface Subject {
  readonly repository: string
  readonly content: Buffer
  readonly digest: Digest
}

const subject = (repository: string): Subject => {
  const content = cipherBytes(repository, SIZE)
  return { repository, content, digest: digestOf(content) }
}

const subjects = {
  lazy: subject('lazy/nydus'),
  parallel: subject('lazy/containerd'),
  part: subject('lazy/part'),
}
/** Of a blob of this size. */
const PIECE = 256 * 1024

const rangeOf = (header = '') => {
  const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? []
  return { start: Number(start), end: Number(last) + 1 }
}

/** The read of that byte waits, and is then throttled; what is read again is given. */
function throttleOnce(bucket: S3Server, until: Deferred<void>) {
  const where = ({ headers: { range } }: IncomingMessage) =>
    rangeOf(range).start <= THROTTLED_BYTE && THROTTLED_BYTE < rangeOf(range).end
  return bucket.faults.next({ method: 'GET', where }, hold(until.promise, tooManyRequests(1)))
}

/** A cold agent and a cold origin, over stores that count what they give: a bucket, and web servers. */
function startLab() {
  return buildResource(async (stack) => {
    const bucket = stack.own(await startS3Server())
    const stores = {
      parallel: stack.own(await objectServer(subjects.parallel.content)),
      part: stack.own(await objectServer(subjects.part.content)),
    }
    const key = blobKey(subjects.lazy.digest)
    const onS3 = await putOnS3(bucket, key, subjects.lazy.content)
    const prefetching = deferred()
    const throttled = throttleOnce(bucket, prefetching)
    const rules = [
      { repository: subjects.lazy.repository, backend: onS3 },
      ...(['parallel', 'part'] as const).map((name) => {
        const backend = { driver: 'http', url: `${stores[name].url}/{key}` }
        return { repository: subjects[name].repository, backend }
      }),
    ]
    const logger = recordingLogger()
    const shoal = stack.own(
      await startTopology({
        ...{ agents: 1, origins: 1, trackers: 1, processes: [], agentParts: () => ({ logger }) },
        overrides: [`origin.backends=${JSON.stringify(rules)}`],
      }),
    )
    for (const { repository, digest } of Object.values(subjects)) await linkBlob(shoal, repository, digest, SIZE)
    const client = registryClient(shoal.url('agent-1', 'registry'))
    return { shoal, bucket, key, stores, logger, client, prefetching, throttled }
  })
}

let lab: Awaited<ReturnType<typeof startLab>>
beforeAll(async () => {
  lab = await startLab()
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
})

const pathOf = ({ repository, digest }: Subject) => `/v2/${repository}/blobs/${digest}`
const ask = (range: string | undefined, headers: Readonly<Record<string, string>> = {}): Promise<RegistryAnswer> =>
  lab.client.send('GET', pathOf(subjects.lazy), { headers: { ...headers, ...(range !== undefined && { range }) } })

/** Reads these bytes, and compares everything that a client looks at. */
async function read([first, last]: Bytes, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const answer = await ask(`bytes=${first}-${last}`, headers)
  expect([answer.status, answer.headers['content-range'], answer.headers['accept-ranges']]).toEqual([
    ...[206, `bytes ${first}-${last}/${SIZE}`, 'bytes'],
  ])
  expect(answer.headers['content-length']).toBe(String(last + 1 - first))
  expect(answer.body.equals(subjects.lazy.content.subarray(first, last + 1))).toBe(true)
}

/** Runs all of them, `atOnce` at a time. */
async function inTurns(atOnce: number, jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const left = [...jobs]
  const worker = async () => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) await job()
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

const waited = { 'x-dragonfly-priority': '6', 'x-dragonfly-use-p2p': 'true', 'content-length': '0' }
const early = { ...waited, 'x-dragonfly-priority': '3', 'x-dragonfly-prefetch': 'true' }

async function startCold(): Promise<void> {
  for (const bytes of mountReads) await read(bytes, waited)
}

async function readOverlapping(): Promise<void> {
  for (const atOnce of overlappingReads) await Promise.all(atOnce.map((bytes) => read(bytes, waited)))
}

/** All of it in parts, four at a time, while somebody waits for other bytes, and the store asks for a pause. */
async function readAhead(): Promise<void> {
  const parts = Array.from({ length: 32 }, (_, at): Bytes => [at * MIB, Math.min(SIZE, (at + 1) * MIB) - 1])
  const ahead = inTurns(
    4,
    parts.map((part) => () => read(part, early)),
  )
  await lab.throttled.reached
  lab.prefetching.resolve()
  await Promise.all([ahead, startCold()])
}

async function readAsStream(): Promise<void> {
  const [whole] = await Promise.all([ask(undefined, early), startCold()])
  expect([whole.status, whole.headers['content-length'], whole.headers['content-range']]).toEqual([
    ...[200, String(SIZE), undefined],
  ])
  expect(whole.body.equals(subjects.lazy.content)).toBe(true)
}

async function readUnits(): Promise<void> {
  await read([0, 1])
  const head = await lab.client.send('HEAD', pathOf(subjects.lazy))
  expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, String(SIZE), 0])
  await read([33_300_000, 33_330_914])
  const units = Array.from({ length: 667 }, (_, at): Bytes => [at * 50_000, Math.min(SIZE, (at + 1) * 50_000) - 1])
  await inTurns(
    2,
    shuffled(units, seededRandom(9)).map((unit) => () => read(unit)),
  )
  await Promise.all([read([12_550_000, 14_699_999]), read([12_650_000, 14_699_999])])
}

async function readSeveral(ranges: readonly Bytes[]): Promise<void> {
  const answer = await ask(`bytes=${ranges.map(([first, last]) => `${first}-${last}`).join(',')}`)
  expect(answer.status).toBe(206)
  const parts = readByteranges(answer.headers['content-type'], answer.body)
  expect(parts.map(({ start, end, size }) => [start, end, size])).toEqual(
    ranges.map(([first, last]) => [first, last + 1, SIZE]),
  )
  const sames = parts.map(({ start, end, bytes }) => bytes.equals(subjects.lazy.content.subarray(start, end)))
  expect(sames).not.toContain(false)
}

async function readUnkindly(): Promise<void> {
  const suffix = await ask('bytes=-5674')
  expect([suffix.status, suffix.headers['content-range']]).toEqual([206, `bytes 33325241-33330914/${SIZE}`])
  expect(suffix.body.equals(subjects.lazy.content.subarray(-5_674))).toBe(true)
  const beyond = await ask(`bytes=${SIZE}-`)
  expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${SIZE}`])
  const tag = suffix.headers.etag ?? ''
  const [same, other] = [await ask('bytes=10-19', { 'if-range': tag }), await ask('bytes=10-19', { 'if-range': '"x"' })]
  expect([same.status, same.body.length, other.status, other.body.length]).toEqual([206, 10, 200, SIZE])
}

/** A client that has sent its request, and leaves before it is answered. */
async function leaveAtOnce(from: Subject, range: string): Promise<void> {
  const gone = request(lab.shoal.url('agent-1', 'registry') + pathOf(from), { agent: false, headers: { range } })
  gone.on('error', () => undefined).end()
  await once(gone, 'finish')
  gone.destroy()
}

describe('a blob that no agent and no origin has, read as lazy clients read it', () => {
  test('is given exactly, range by range, also while its store asks for a pause, and each of its bytes leaves the store once', async () => {
    await leaveAtOnce(subjects.lazy, 'bytes=9000000-9099999')
    await startCold()
    await readOverlapping()
    await readAhead()
    await readAsStream()
    await readUnits()
    const scattered = Array.from({ length: 1_024 }, (_, at): Bytes => [at * 32_000 + 7, at * 32_000 + 7 + (at % 300)])
    const few: readonly Bytes[] = [
      [5, 9],
      [70_000, 170_000],
      [33_330_900, 33_330_914],
    ]
    for (const ranges of [few, few.toReversed(), scattered]) await readSeveral(ranges)
    await readUnkindly()

    const { bucket, key } = lab
    expect(lab.throttled.met).toBe(1)
    expect(bucket.bytesGiven(key)).toBe(SIZE)
    const reads = bucket.served.filter((each) => each.operation === 'GetObject' && each.key === key)
    const counts = byteCounts()
    for (const { range } of reads) counts.add(rangeOf(range))
    expect(counts.between(SIZE)).toEqual({ least: 1, most: 1 })
    expect(reads.length).toBeLessThanOrEqual(Math.ceil(SIZE / (4 * MIB)))
    await eventually(async () => {
      const { blobs } = (await (await fetch(`${lab.shoal.url('agent-1', 'admin')}/blobs`)).json()) as {
        readonly blobs: readonly { readonly digest: string; readonly size: number }[]
      }
      expect(blobs.find(({ digest }) => digest === subjects.lazy.digest)?.size).toBe(SIZE)
    })
  })
})

/** Reads one buffer of an answer that is open at its end, then closes the connection, as containerd does. */
async function readChunk(start: number): Promise<void> {
  const { content } = subjects.parallel
  const url = lab.shoal.url('agent-1', 'registry') + pathOf(subjects.parallel)
  const req = request(url, {
    agent: false,
    headers: { range: `bytes=${start}-`, 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8' },
  })
  req.end()
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  expect([res.statusCode, res.headers['content-range'], res.headers['content-encoding']]).toEqual([
    ...[206, `bytes ${start}-${SIZE - 1}/${SIZE}`, undefined],
  ])
  const end = Math.min(SIZE, start + PARALLEL_CHUNK)
  let at = start
  for await (const chunk of res as AsyncIterable<Buffer>) {
    const taken = chunk.subarray(0, end - at)
    expect(taken.equals(content.subarray(at, at + taken.length))).toBe(true)
    at += taken.length
    if (at === end) break
  }
  req.destroy()
  expect(at).toBe(end)
}

describe('a cold blob, read by parallel requests that are open at their end and closed in their middle', () => {
  test('gives each chunk, is not read twice, and nothing of it counts as an error', async () => {
    const before = lab.logger.lines.length
    await leaveAtOnce(subjects.parallel, `bytes=${2 * PARALLEL_CHUNK}-`)
    await Promise.all([0, 1, 2].map((at) => readChunk(at * PARALLEL_CHUNK)))
    await readChunk(3 * PARALLEL_CHUNK)
    await eventually(() => expect(lab.stores.parallel.open).toBe(0))
    expect(lab.stores.parallel.counts.between(SIZE)).toEqual({ least: 1, most: 1 })
    const errors = lab.logger.lines.slice(before).filter(({ level }) => level === 'error' || level === 'warn')
    expect(errors).toEqual([])
  })
})

interface Held {
  readonly blobs: readonly { readonly digest: string }[]
  readonly partials: readonly { readonly digest: string; readonly size: number; readonly heldBytes: number }[]
}

describe('a blob of which only some ranges are read', () => {
  const held = async () => (await (await fetch(`${lab.shoal.url('agent-1', 'admin')}/blobs`)).json()) as Held
  const { digest, content } = subjects.part
  const readPart = async () => {
    for (const start of [5 * MIB, 20 * MIB]) {
      const headers = { range: `bytes=${start}-${start + 9_999}`, 'x-dragonfly-prefetch': 'false' }
      const { status, body } = await lab.client.send('GET', pathOf(subjects.part), { headers })
      expect([status, body.equals(content.subarray(start, start + 10_000))]).toEqual([206, true])
    }
  }

  test('is at the agent only as far as it was read, and is still there after a restart', async () => {
    await readPart()
    const part = { digest, size: SIZE, heldBytes: 2 * PIECE }
    await eventually(async () => expect((await held()).partials).toContainEqual(part))
    expect((await held()).blobs.map((blob) => blob.digest)).not.toContain(digest)
    await lab.shoal.stop('agent-1')
    await lab.shoal.start('agent-1')
    expect((await held()).partials).toContainEqual(part)
    await readPart()
    expect(await lab.shoal.counter('agent-1', 'shoal_received_bytes_total', 'from="origin"')).toBe(0)
    expect((await held()).partials).toContainEqual(part)
  })
})
