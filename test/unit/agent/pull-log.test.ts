import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Descriptor, digestOf, headerOf, parseRepository } from '../../../lib/core/index.ts'
import type { BlobHandle, OpenOptions, PullSummary } from '../../../lib/swarm/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { namedBlobs, requiredBlobs } from '../../../services/agent/named-blobs.ts'
import { originNames } from '../../../services/agent/origin-names.ts'
import { PullLog } from '../../../services/agent/pull-log.ts'
import { pulls } from '../../../services/agent/pulls.ts'
import type { PullRequest } from '../../../services/agent/traced-pull.ts'
import { imageFixture, indexFixture } from '../../kit/image-fixture.ts'

const repository = parseRepository('team/app')
const digest = digestOf(Buffer.from('content'))
const blob: PullRequest = { kind: 'blob', repository, reference: digest }

function logOf(maxBytes?: number) {
  const clock = fakeClock()
  const log = new PullLog(
    { clock, random: seededRandom(1) },
    { nameOf: () => undefined, ...(maxBytes && { maxBytes }) },
  )
  return { clock, log, found: (filter = {}) => [...log.find(filter)] }
}

describe('the log of pulls', () => {
  test('has those under way and those that ended, newest first, each with an id of its own', async () => {
    const { clock, log, found } = logOf()
    const first = log.begin(blob)
    const second = log.begin({ ...blob, kind: 'manifest' })
    await clock.advance(300)
    first.end('done')
    first.end('left')
    await clock.advance(200)
    expect(found()).toMatchObject([
      { kind: 'manifest', outcome: 'running', totalMs: 500 },
      { kind: 'blob', outcome: 'done', totalMs: 300, repository: 'team/app', reference: digest },
    ])
    for (const pull of found()) expect(log.get(pull.id)).toEqual(pull)
    second.end('done')
    expect([log.get('000000-1'), log.get('x'), log.get(`${found()[0]?.id}9`)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test.each([
    [{ outcome: 'STALLED' }, [2]],
    [{ slowerThanMs: 150 }, [3, 2]],
    [{ repository: 'team/app' }, [3, 2, 1]],
    [{ repository: 'team/other' }, []],
    [{ digest: digestOf(Buffer.from('other')) }, [3]],
    [{ sinceMs: 1_700_000_000_300 }, [3]],
  ] as const)('is asked for %j', async (filter, expected) => {
    const { clock, log, found } = logOf()
    const spend = async (request: PullRequest, ms: number, outcome: string) => {
      const pull = log.begin(request)
      await clock.advance(ms)
      pull.end(outcome)
    }
    await spend(blob, 100, 'done')
    await spend(blob, 200, 'STALLED')
    await spend({ ...blob, reference: digestOf(Buffer.from('other')) }, 300, 'done')
    expect(found(filter).map(({ id }) => Number(id.split('-')[1]))).toEqual(expected)
  })

  test('goes on after the last one of a page, also when that is forgotten', () => {
    const { log, found } = logOf(8_000)
    for (let at = 0; at < 40; at += 1) log.begin(blob).end('done')
    const all = found()
    expect(found({ last: all[1]?.id })).toEqual(all.slice(2))
    expect(found({ last: all[0]?.id.replace(/-.*/, '-1') })).toEqual([])
  })

  test('forgets the oldest when they take more memory than it may', () => {
    const { log, found } = logOf(8_000)
    for (let at = 0; at < 500; at += 1) log.begin(blob).end('done')
    expect(found().length).toBeLessThanOrEqual(6)
    expect(found()[0]?.id).toMatch(/-500$/)
  })

  test('follows so many at one time, and lets the others go unremembered', () => {
    const { log, found } = logOf()
    const open = Array.from({ length: 1_100 }, () => log.begin(blob))
    expect(found()).toHaveLength(1_024)
    for (const pull of open) pull.end('done')
    log.begin(blob)
    expect(found()).toHaveLength(1_025)
  })
})

const summary: PullSummary = {
  ...{ digest, size: 7, bytes: { peer: 0, origin: 7, http: 0, cache: 0 }, firstByteMs: 5, totalMs: 9 },
  ...{ lastStepFailed: undefined, outcome: 'done' },
  sources: [
    {
      id: 'ab',
      address: '10.0.0.4:7000',
      role: 'origin',
      bytes: 7,
      asked: 1,
      outrun: 0,
      late: 1,
      refused: 0,
      repeats: 0,
      wrong: 0,
      bytesPerSecond: 1.5,
    },
  ],
}

function pulling(open: (options: OpenOptions) => Promise<BlobHandle>) {
  const clock = fakeClock()
  const log = new PullLog(
    { clock, random: seededRandom(1) },
    { nameOf: originNames({ members: [{ id: 'origin-2', url: 'http://10.0.0.4:65000' }] }) },
  )
  const engine = { open: (_blob: unknown, options: OpenOptions = {}) => open(options) }
  return {
    clock,
    log,
    pulls: pulls({
      engine,
      linked: { ...engine, asksFirst: () => false },
      ...{ clock, log },
      logger: silentLogger(),
      onPull: () => undefined,
    }),
  }
}

const handle = (): BlobHandle => ({
  ...{ header: headerOf(digest, 7), size: 7, soFar: summary, summary: Promise.resolve(summary) },
  ...{ read: () => Readable.from([]), close: () => undefined },
})

describe('pulls', () => {
  test('are remembered with what the engine tells of them, and origins by their names', async () => {
    const { clock, log, pulls } = pulling(async ({ trace }) => {
      trace?.turn(clock.monotonicMs(), 'metainfo')
      await clock.advance(40)
      trace?.turn(clock.monotonicMs(), 'client')
      return handle()
    })
    const pull = await pulls.find({ repository, digest })
    expect([...log.find({})]).toMatchObject([{ outcome: 'running', size: 7 }])
    pull.close()
    expect([...log.find({})]).toMatchObject([
      {
        ...{ kind: 'blob', outcome: 'done', digest, size: 7, firstByteMs: 5, bytes: { origin: 7 } },
        longestWait: { cause: 'metainfo', ms: 40 },
        sources: [{ name: 'origin-2', address: '10.0.0.4:7000', bytes: 7, late: 1 }],
      },
    ])
  })

  test('that cannot be opened are remembered with the code', async () => {
    const { log, pulls } = pulling(() => Promise.reject(appError('BLOB_UNKNOWN')))
    await expect(pulls.find({ repository, digest }, { kind: 'tool' })).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    expect([...log.find({})]).toMatchObject([{ kind: 'tool', outcome: 'BLOB_UNKNOWN' }])
  })

  test('lookup: a look-up at the build-index is remembered with its time, and what it found', async () => {
    const { clock, log, pulls } = pulling(() => Promise.reject(appError('BLOB_UNKNOWN')))
    const found = { digest, mediaType: 'a/b', size: 7 }
    expect(await pulls.lookUp({ repository, reference: '1.0' }, () => clock.advance(250).then(() => found))).toEqual(
      found,
    )
    const away = pulls.lookUp({ repository, reference: '1.0' }, () => Promise.reject(appError('ABORTED')))
    await expect(away).rejects.toMatchObject({ code: 'ABORTED' })
    expect(
      await pulls.lookUp<Descriptor | undefined>({ repository, reference: '2.0' }, async () => undefined),
    ).toBeUndefined()
    expect([...log.find({})]).toMatchObject([
      { kind: 'lookup', reference: '2.0', outcome: 'MANIFEST_UNKNOWN' },
      { kind: 'lookup', reference: '1.0', outcome: 'left' },
      { kind: 'lookup', reference: '1.0', outcome: 'done', digest, waits: [{ cause: 'lookup', ms: 250 }] },
    ])
  })
})

describe('what a manifest names', () => {
  const image = imageFixture(seededRandom(3), [10, 20])
  const foreignLayer = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'

  test('is its config and its layers, or the manifests of an index', () => {
    const layers = image.layers.map((layer) => ({ as: 'layer', digest: layer.digest }))
    expect(namedBlobs(image.manifest.bytes)).toEqual([{ as: 'config', digest: image.config.digest }, ...layers])
    expect(namedBlobs(indexFixture([image]).bytes)).toEqual([{ as: 'manifest', digest: image.manifest.digest }])
  })

  test('speaks for what its push had to have, and for nothing else', () => {
    const { bytes, mediaType } = image.manifest
    const [first, second] = image.layers.map(({ digest: each }) => each)
    const required = [image.config.digest, first, second]
    expect(requiredBlobs(bytes, mediaType)).toEqual(required)
    const fields = JSON.parse(Buffer.from(bytes).toString('utf8')) as { layers: object[] }
    const foreign = { ...fields.layers[1], urls: ['http://a.test/b'], mediaType: foreignLayer }
    const withForeign = { ...fields, layers: [fields.layers[0], foreign], subject: fields.layers[1] }
    expect(requiredBlobs(Buffer.from(JSON.stringify(withForeign)), mediaType)).toEqual(required.slice(0, 2))
    // A registry takes an index without its children, and any bytes as a type that it does not know.
    const index = indexFixture([image])
    expect(requiredBlobs(index.bytes, index.mediaType)).toEqual([])
    expect(requiredBlobs(bytes, 'application/vnd.example+json')).toEqual([])
    expect(requiredBlobs(Buffer.from('no manifest'), mediaType)).toEqual([])
  })

  test.each(['', 'null', '[]', '{"layers":[{"digest":"x"}]}', '{"layers":7}'])('is nothing for %j', (text) => {
    expect(namedBlobs(Buffer.from(text))).toEqual([])
  })
})

test('an origin is named only where its host belongs to one alone', () => {
  const nameOf = originNames({
    members: [
      { id: 'origin-1', url: 'http://10.0.0.1:1' },
      { id: 'origin-2', url: 'http://10.0.0.1:2' },
      { id: 'origin-3', url: 'http://[fd00::3]:2' },
    ],
  })
  const at = (address: string, role: 'agent' | 'origin' = 'origin') => nameOf({ id: 'ab', address, role })
  expect([at('10.0.0.1:7'), at('[fd00::3]:7'), at('[fd00::3]:7', 'agent')]).toEqual([undefined, 'origin-3', undefined])
})
