import type { Background } from '../../base/index.ts'
import type { MetaInfoHeader } from '../../core/index.ts'
import { PieceMap } from '../../core/index.ts'
import { hashPiece } from '../../metainfo/index.ts'
import type { PartialBlobs } from '../../store/index.ts'
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
      const partial = await store.openPartial(digest, new PieceMap(header.length, header.pieceLength))
      if (data.length > 0) await partial.write(0, data, hashPiece(data))
      await partial.complete()
    } catch (err) {
      logger.warn('failed to keep a small blob', { digest, err })
    }
  })
}
