import { abortController, anySignal } from '../../../lib/base/index.ts'
import type { BlobRef } from '../../../lib/core/index.ts'
import type { BlobHandle, OpenOptions, SwarmEngine } from '../../../lib/swarm/index.ts'
import type { Links } from './links.ts'

export interface LinkedOpenComponents {
  readonly engine: Pick<SwarmEngine, 'open'>
  readonly links: Pick<Links, 'isFresh' | 'expects' | 'requireBlob'>
}

/** `open` of the engine, for blobs that their repository links. */
export interface LinkedOpen {
  /** The build-index is asked before anything else. */
  asksFirst(blob: BlobRef): boolean
  /** @throws BLOB_UNKNOWN unless the repository links the blob, and what the engine and the build-indexes fail with */
  open(blob: BlobRef, options?: OpenOptions): Promise<BlobHandle>
}

/**
 * A blob that is expected to be linked is opened while the build-index is asked, so that the question takes no time of its
 * own. Any other one is opened after the answer: so a name that is nowhere makes nobody look for it, nobody remembers
 * that it was nowhere when it is pushed a moment later, and an answer does not tell whether other repositories have it.
 */
export function linkedOpen({ engine, links }: LinkedOpenComponents): LinkedOpen {
  const asksFirst = (blob: BlobRef) => !links.isFresh(blob) && !links.expects(blob)

  /** Opens it at once, and gives it when the build-index has said yes. */
  const openMeanwhile = async (blob: BlobRef, options: OpenOptions): Promise<BlobHandle> => {
    const { signal } = options
    const unlinked = abortController()
    const either = signal === undefined ? unlinked.signal : anySignal([signal, unlinked.signal])
    const opening = engine.open(blob, { ...options, signal: either })
    opening.catch(() => undefined)
    try {
      await links.requireBlob(blob, { signal })
    } catch (err) {
      unlinked.abort()
      opening.then(
        (handle) => handle.close(),
        () => undefined,
      )
      throw err
    }
    return opening
  }

  return {
    asksFirst,
    async open(blob, options = {}) {
      if (links.isFresh(blob)) return engine.open(blob, options)
      if (!asksFirst(blob)) return openMeanwhile(blob, options)
      await links.requireBlob(blob, { signal: options.signal })
      return engine.open(blob, options)
    },
  }
}
