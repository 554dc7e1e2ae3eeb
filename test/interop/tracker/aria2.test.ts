import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { encodeBencode } from '../../../lib/metainfo/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { trackerService } from '../../../services/tracker/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { randomContent } from '../../kit/metainfo-fixture.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { startProcess } from '../../kit/start-process.ts'
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

/** aria2 with a folder of its own; it finds peers only through the tracker. */
function aria2(folder: string, torrent: string, port: number) {
  const off = ['--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false', '--enable-peer-exchange=false']
  const seed = ['--check-integrity=true', '--seed-ratio=0.0', '--allow-overwrite=true']
  return startProcess({
    command: 'aria2c',
    args: ['--no-conf', `--dir=${folder}`, `--listen-port=${port}-${port + 99}`, ...off, ...seed, torrent],
    ready: () => undefined,
  })
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
    await using seeder = await aria2(from, torrent, 26_100)
    await eventually(() => expect(it.metrics.value('shoal_tracker_peers')).toBe(1))
    await using leecher = await aria2(to, torrent, 26_300)
    await eventually(async () => expect((await readFile(join(to, 'blob'))).equals(content)).toBe(true))
    await eventually(() => expect(it.metrics.value('shoal_tracker_announces_total', { event: 'completed' })).toBe(1))
    expect([seeder.pid, leecher.pid]).not.toContain(0)
  })
})
