import { parseJson } from '../../lib/base/index.ts'
import { parseDigest } from '../../lib/core/index.ts'
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

function named(as: NamedBlob['as'], descriptors: unknown): readonly NamedBlob[] {
  if (!Array.isArray(descriptors)) return []
  return descriptors.flatMap((descriptor: unknown) => {
    const { digest } = fieldsOf(descriptor)
    return typeof digest === 'string' ? [{ as, digest: parseDigest(digest) }] : []
  })
}
