import { randomFillSync } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { digestOf, PieceMap } from '../../../lib/core/index.ts'
import { blockHashing, hashPieces, threadDigester } from '../../../lib/metainfo/index.ts'
import { contentStore } from '../../../lib/store/content-store.ts'
import { diskMedium } from '../../../lib/store/disk/disk-medium.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { countingMedium } from '../../kit/counting-medium.ts'
import { chunksOf, putBlob } from '../../kit/store-fixture.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const MIB = 1024 * 1024
const content = randomFillSync(Buffer.alloc(64 * MIB + 1))
const digester = threadDigester()
const timing = { syncBytes: MIB, syncMs: 5_000, handleIdleMs: 30_000, maxOpenBlobs: 4 }

beforeAll(() => digester.start())
afterAll(() => digester.stop())

test.each([32 * MIB - 1, 32 * MIB, 32 * MIB + 1, 64 * MIB - 1, 64 * MIB, 64 * MIB + 1])(
  'a pushed blob of %d bytes, at a border of the piece length, has its records without a read of its bytes',
  async (length) => {
    await using folder = await tempFolder('push-reads')
    const parts = { clock: systemClock(), random: seededRandom(1), logger: silentLogger() }
    const { medium, reads } = countingMedium(diskMedium(parts, { ...timing, folder: folder.path }))
    const store = contentStore({ ...parts, hashing: blockHashing(digester) }, { capacityBytes: 1e9 }, medium)
    await store.start()
    try {
      const bytes = content.subarray(0, length)
      const digest = digestOf(bytes)
      await putBlob(store, { bytes, digest })
      const records = await store.sidecar(digest, 'pieces')
      const right = await hashPieces(chunksOf(bytes), new PieceMap(length))
      expect(Buffer.compare(records ?? Buffer.of(), right)).toBe(0)
      expect(reads).toEqual({ blobs: 0, partials: 0, uploads: 0 })
    } finally {
      await store.stop()
    }
  },
)
