import { parseJson } from '../../lib/base/index.ts'
import { type Digest, parseDigest } from '../../lib/core/index.ts'
import { checkManifest } from '../../lib/registry/index.ts'
import type { NamedBlob } from './traced-pull.ts'

const fieldsOf = (value: unknown) => Object(value) as Readonly<Record<string, unknown>>

/** The blobs and manifests that a manifest names; nothing of what is not understood. */
export function namedBlobs(manifest: Uint8Array): readonly NamedBlob[] {
  try {
    const { config, layers, manifests } = fieldsOf(parseJson(Buffer.from(manifest).toString('utf8')))
    return [...named('config', [config]), ...named('layer', layers), ...named('manifest', manifests)]
  } catch {
    return []
  }
}

/**
 * The blobs that a repository had to have before it took the manifest: by the rule of pushes, so without those that clients
 * fetch from elsewhere, and without what an index names. Nothing of a manifest that the rule does not take.
 */
export function requiredBlobs(manifest: Uint8Array, mediaType: string): readonly Digest[] {
  try {
    return checkManifest(manifest, mediaType).blobs.map(({ digest }) => digest)
  } catch {
    return []
  }
}

function named(as: NamedBlob['as'], descriptors: unknown): readonly NamedBlob[] {
  if (!Array.isArray(descriptors)) return []
  return descriptors.flatMap((descriptor: unknown) => {
    const { digest } = fieldsOf(descriptor)
    return typeof digest === 'string' ? [{ as, digest: parseDigest(digest) }] : []
  })
}
