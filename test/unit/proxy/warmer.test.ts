import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { appError, deferred, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Digest, digestOf, headerOf, parseRepository } from '../../../lib/core/index.ts'
import { encodeMetainfo, encodeRecord } from '../../../lib/metainfo/index.ts'
import { recordingLogger, recordingMetrics } from '../../../lib/telemetry/index.ts'
import { warmer } from '../../../services/proxy/kraken/warmer.ts'
import { eventually } from '../../kit/eventually.ts'

const repository = parseRepository('team/app')
const contents = Array.from({ length: 6 }, (_, i) => Buffer.from(`${i}`))
const digests = contents.map((content) => digestOf(content))
const good = (digest: Digest) => {
  const data = contents[digests.indexOf(digest)]!
  return Readable.from([...encodeMetainfo({ header: { ...headerOf(digest, 1), data }, hashes: new Uint8Array() })])
}

function lab(openMetainfo: (digest: Digest, signal?: AbortSignal) => Promise<Readable>) {
  const clock = fakeClock()
  const metrics = recordingMetrics()
  const logger = recordingLogger()
  const opened: Digest[] = []
  const warming = warmer({
    ...{ clock, metrics, logger, random: seededRandom(1) },
    origins: {
      openMetainfo: (_, digest, { whole, signal } = {}) => {
        if (whole === true) opened.push(digest)
        return openMetainfo(digest, signal)
      },
    },
  })
  const count = (outcome: string) => metrics.value('shoal_kraken_warmed_blobs_total', { outcome })
  const counts = () => [count('brought'), count('failed')]
  const warm = (...wanted: readonly Digest[]) =>
    warming.warm({ find: async () => wanted.map((digest) => ({ repository, digest })) })
  return { clock, logger, opened, warming, counts, warm }
}

describe('a warmer', () => {
  test('has every blob of an image brought', async () => {
    const { counts, warm, opened } = lab(async (digest) => good(digest))
    warm(...digests)
    await eventually(() => expect(counts()).toEqual([6, 0]))
    expect(opened).toEqual(digests)
  })

  test('goes on after a blob that fails, and counts both', async () => {
    const bad = digests[2]!
    const { counts, warm } = lab(async (digest) =>
      digest === bad
        ? Readable.from([
            encodeRecord({ kind: 'header', header: headerOf(digest, 1_000_000) }),
            encodeRecord({ kind: 'failed', code: 'BACKEND_CORRUPT' }),
          ])
        : good(digest),
    )
    warm(...digests)
    await eventually(() => expect(counts()).toEqual([5, 1]))
  })

  test('tries again what may come later, and gives up after three tries', async () => {
    const { clock, counts, warm, opened } = lab(async () => Promise.reject(appError('NO_HEALTHY_MEMBER')))
    warm(digests[0]!)
    await eventually(async () => {
      await clock.advance(5_000)
      expect(counts()).toEqual([0, 1])
    })
    expect(opened).toHaveLength(3)
  })

  test('goes on after an image whose blobs cannot be found', async () => {
    const { counts, warm, warming, logger } = lab(async (digest) => good(digest))
    warming.warm({ find: async () => Promise.reject(appError('MANIFEST_UNKNOWN')) })
    warm(digests[0]!)
    await eventually(() => expect(counts()).toEqual([1, 0]))
    expect(logger.lines.map(({ message }) => message)).toEqual(['failed to warm an image'])
  })

  test('refuses an image when too many wait', async () => {
    const { warming, warm, counts } = lab(async (digest) => good(digest))
    const gate = deferred()
    for (let i = 0; i < 4 + 256; i += 1) {
      warming.warm({
        find: async () => {
          await gate.promise
          return []
        },
      })
    }
    expect(() => warm(digests[0]!)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
    gate.resolve()
    await eventually(() => warm(digests[0]!))
    await eventually(() => expect(counts()).toEqual([1, 0]))
  })

  test('ends what is under way when it stops', async () => {
    const hanging = lab(async (_, signal) => new Readable({ read: () => undefined, signal: signal! }))
    hanging.warm(...digests)
    await eventually(() => expect(hanging.opened).toHaveLength(4))
    await hanging.warming.stop()
    expect([hanging.counts(), hanging.opened.length]).toEqual([[0, 0], 4])
  })
})
