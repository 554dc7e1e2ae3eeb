import { parseJson } from '../../../lib/base/index.ts'
import { type Digest, parseDigest } from '../../../lib/core/index.ts'

const DIGEST = /\b(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\b/g

/**
 * Every digest that stands anywhere in a manifest: of configs, layers, children and subjects, in fields of types that nobody
 * knows here, and in annotations. What is named is kept. @throws what `parseJson` throws when it is no JSON
 */
export function namedDigests(manifest: Uint8Array): ReadonlySet<Digest> {
  // Written anew, no character of a digest is escaped.
  const text = JSON.stringify(parseJson(Buffer.from(manifest).toString('utf8')))
  return new Set([...text.matchAll(DIGEST)].map(([digest]) => parseDigest(digest)))
}
