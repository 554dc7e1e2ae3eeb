import { join } from 'node:path'
import { type Digest, digestAlgorithm, digestHex, parseDigest } from '../../core/index.ts'
import type { BesideName } from '../medium.ts'

/**
 * The folder of a store:
 *
 * lock                                    who owns the folder
 * volumes                                 the folders of the store when there are several, as JSON (volume-marks.ts)
 * blobs/<alg>/<2 hex>/<hex>/data          a complete blob; its modification time is the time of its last use
 * blobs/<alg>/<2 hex>/<hex>/pieces        the hashes of its pieces, if any
 * blobs/<alg>/<2 hex>/<hex>/descriptor    of a manifest: its OCI descriptor, if any
 * blobs/<alg>/<2 hex>/<hex>/label         notes of the service; its modification time is the time of the last
 * verification
 * blobs/<alg>/<2 hex>/<hex>/pin           empty; the blob is pinned
 * partial/<alg>-<hex>/data                a partial blob, sparse
 * partial/<alg>-<hex>/map                 which pieces are there, and their hashes (piece-log.ts)
 * partial/<alg>-<hex>/meta                length, piece length and the boot of the last write, as JSON
 * uploads/<id>                            bytes of an upload; its modification time is the time of its last use
 *
 * A name that ends in `.tmp` is an unfinished file. Every path is built here, from a parsed digest or from an id that
 * we made, never from text that came from outside.
 */
export function storePaths(folder: string) {
  const blob = (digest: Digest) => {
    const hex = digestHex(digest)
    const own = join(folder, 'blobs', digestAlgorithm(digest), hex.slice(0, 2), hex)
    return { folder: own, data: join(own, 'data'), sidecar: (name: BesideName) => join(own, name) }
  }
  const partial = (digest: Digest) => {
    const own = join(folder, 'partial', `${digestAlgorithm(digest)}-${digestHex(digest)}`)
    return { folder: own, data: join(own, 'data'), map: join(own, 'map'), meta: join(own, 'meta') }
  }
  return {
    folder,
    lock: join(folder, 'lock'),
    blobs: join(folder, 'blobs'),
    partials: join(folder, 'partial'),
    uploads: join(folder, 'uploads'),
    blob,
    partial,
    upload: (id: string) => join(folder, 'uploads', id),
  }
}

export type StorePaths = ReturnType<typeof storePaths>

/** The digest for `<alg>` and `<hex>` of a path; undefined when they are not a digest. */
export function digestOfPath(algorithm: string, hex: string): Digest | undefined {
  try {
    return parseDigest(`${algorithm}:${hex}`)
  } catch {
    return undefined
  }
}

/** Whether a file name is an upload id that we made. */
export function isUploadId(name: string): boolean {
  return /^[A-Za-z0-9-]{8,64}$/.test(name)
}
