import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { encodeBencode } from '../../../lib/metainfo/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { trackerService } from '../../../services/tracker/index.ts'
import { aria2 } from '../../kit/aria2.ts'
import { eventually } from '../../kit/eventually.ts'
import { randomContent } from '../../kit/metainfo-fixture.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { trackerConfig } from '../../kit/tracker-config.ts'

const PIECE = 256 * 1024

/** A BEP 3 torrent of `content` with the tracker `announce`. */
function torrentOf(content: Uint8Array, announce: string): Uint8Array {
  const hashes = Array.from({ length: Math.ceil(content.length / PIECE) }, (_, i) =>
    createHash('sha1')
      .update(content.subarray(i * PIECE, (i + 1) * PIECE))
      .digest(),
  )
  const info = {
    length: content.length,
    name: 'blob',
    'piece length': PIECE,
    pieces: Buffer.concat(hashes),
    private: 1,
  }
  return encodeBencode({ announce, info })
}

describe('aria2 and the tracker', () => {
  test('two stock clients find each other through it, and one pulls from the other', async () => {
    await using it = await buildResource(async (stack) => {
      const metrics = recordingMetrics()
      const tracker = trackerService({ metrics, logger: silentLogger() }, await trackerConfig(stack))
      stack.own({ [Symbol.asyncDispose]: () => tracker.stop() })
      await tracker.start()
      return { metrics, tracker, folder: stack.own(await tempFolder('aria2')).path }
    })
    const content = randomContent(3_000_000)
    const [from, to] = [join(it.folder, 'from'), join(it.folder, 'to')]
    await mkdir(from)
    await mkdir(to)
    await writeFile(join(from, 'blob'), content)
    const torrent = join(it.folder, 'blob.torrent')
    await writeFile(torrent, torrentOf(content, `${it.tracker.url}/announce`))
    await using seeder = await aria2({ folder: from, torrent, port: 26_100 })
    await eventually(() => expect(it.metrics.value('shoal_tracker_peers')).toBe(1))
    await using leecher = await aria2({ folder: to, torrent, port: 26_300 })
    await eventually(async () => expect((await readFile(join(to, 'blob'))).equals(content)).toBe(true))
    await eventually(() => expect(it.metrics.value('shoal_tracker_announces_total', { event: 'completed' })).toBe(1))
    expect([seeder.pid, leecher.pid]).not.toContain(0)
  })
})
