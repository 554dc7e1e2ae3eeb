import { appError, type Background } from '../../base/index.ts'
import type { MetaInfoHeader } from '../../core/index.ts'
import { PieceMap } from '../../core/index.ts'
import { hashPiece } from '../../metainfo/index.ts'
import type { PartialBlob, PartialBlobs } from '../../store/index.ts'
import type { Logger } from '../../telemetry/index.ts'

export interface InlineKeeperComponents {
  readonly store: PartialBlobs
  readonly logger: Logger
  readonly background: Background
}

/** Stores content that came inside a header, in the background, because the caller already has the bytes. */
export function keepInline({ store, logger, background }: InlineKeeperComponents, header: MetaInfoHeader): void {
  const { digest, data } = header
  if (data === undefined) return
  background.run('keep-inline', async () => {
    try {
      const hash = hashPiece(data)
      const partial = await partialFor(store, header, hash)
      if (data.length > 0) await partial.write(0, data, hash)
      await partial.complete()
    } catch (err) {
      logger.warn('failed to keep a small blob', { digest, err })
    }
  })
}

/** Without what an earlier run kept for another hash: the content of the header has the right digest. */
async function partialFor(store: PartialBlobs, header: MetaInfoHeader, hash: Uint8Array): Promise<PartialBlob> {
  const map = new PieceMap(header.length, header.pieceLength)
  const partial = await store.openPartial(header.digest, map)
  const kept = partial.hashOf(0)
  if (kept === undefined || Buffer.compare(kept, hash) === 0) return partial
  await partial.discard(appError('METAINFO_DOUBTED'))
  return store.openPartial(header.digest, map)
}
