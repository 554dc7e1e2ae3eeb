import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { originClient } from '../../../lib/api/index.ts'
import { fileBackend } from '../../../lib/backend/index.ts'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { originRing } from '../../kit/origin-ring.ts'
import { contentOf } from '../../kit/store-fixture.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const repository = parseRepository('team/app')

const all = ['origin-1', 'origin-2', 'origin-3']
const content = contentOf(cipherBytes('written back', 300_000))

test.each([
  { taker: 'first', victim: 'first' },
  { taker: 'second', victim: 'first' },
  { taker: 'second', victim: 'second' },
] as const)(
  'a push that was acknowledged while the backend was away is in the backend although the $victim owner was killed, for good (the $taker took it)',
  async ({ taker, victim }) => {
    await using folder = await tempFolder('write-back')
    await using ring = await originRing(all)
    const stored = join(folder.path, 'backend')
    const backends = [{ repository: '*', durability: 'replicas', backend: { driver: 'file', folder: stored } }]
    const config = { backends, writeBack: { spareDelay: '200ms', retryMin: '100ms', retryMax: '500ms' } }
    const http = httpClient({ clock: systemClock() })
    await http.start()
    for (const id of all) await ring.start(id, { alone: true, config })
    await rename(stored, `${stored}-away`)

    const [first = '', second = ''] = ring
      .ringOf(...all)
      .owners(content.digest)
      .map(({ id }) => id)
    const ids = { first, second }
    const client = originClient(http, ring.url(ids[taker]))
    const { id } = await client.createUpload(repository)
    await client.appendUpload(repository, id, { offset: 0, body: content.bytes })
    await client.commitUpload(repository, id, { digest: content.digest })
    await ring.kill(ids[victim])

    await rename(`${stored}-away`, stored)
    const components = { clock: systemClock(), random: seededRandom(1), logger: silentLogger() }
    const store = fileBackend(components, { folder: stored })
    await eventually(async () => {
      expect((await store.stat(blobKey(content.digest)))?.size).toBe(content.bytes.length)
    })
    for (const each of all) if (each !== ids[victim]) await ring.stop(each)
    // Start an origin that never saw the push and has only the backend.
    await ring.remove('origin-3')
    await ring.start('origin-3', { alone: true, config, members: ['origin-3'] })
    expect(Buffer.compare((await ring.read('origin-3', content.digest)) as Buffer, content.bytes)).toBe(0)
    await http.stop()
  },
)
