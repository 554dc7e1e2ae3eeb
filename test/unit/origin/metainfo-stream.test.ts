import { expect, test } from '@jest/globals'
import { systemClock } from '../../../lib/base/index.ts'
import { metainfoDecoder } from '../../../lib/metainfo/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { metainfoStream } from '../../../services/origin/bring/metainfo-stream.ts'
import { pieceHashes } from '../../../services/origin/bring/piece-hashes.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { originLab } from '../../kit/origin-lab.ts'
import { contentOf } from '../../kit/store-fixture.ts'
import { blob, content, PIECE } from '../../kit/unit-blob.ts'

test.each([
  ['a blob', content],
  ['a blob that the stream has in it', contentOf(cipherBytes('small', 5_000), PIECE)],
])('the metainfo of %s costs one look-up in the backend', async (_, cold) => {
  const lab = originLab({ count: 1, replicas: 1 })
  const [origin] = lab.origins
  await origin!.store.start()
  await lab.inner.write(blobKey(cold.digest), cold.bytes, { size: cold.bytes.length })
  const { store, ingest } = origin!
  const hashes = pieceHashes(store)
  const components = { store, ingest, pieceHashes: hashes, clock: systemClock() }
  const decoder = metainfoDecoder()
  const kinds: string[] = []
  const stream = metainfoStream(components, { ...blob, digest: cold.digest }, { hop: false })
  for await (const chunk of stream) kinds.push(...decoder.push(chunk).map(({ kind }) => kind))
  expect(kinds[0]).toBe('header')
  expect(lab.backend.calls).toMatchObject({ stat: 1, read: 1 })
})
