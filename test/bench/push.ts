import { createHash, randomBytes, randomFillSync } from 'node:crypto'
import { open } from 'node:fs/promises'
import { closingUrl } from '../kit/registry-client.ts'

/** `sha256:<hex>` of the bytes. */
export const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** The body of a push that is sent while it is made. */
type Body = Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array>

async function push(registry: string, name: string, digest: string, body: Body): Promise<void> {
  const opened = await fetch(`${registry}/v2/${name}/blobs/uploads/`, { method: 'POST' })
  await opened.body?.cancel()
  const location = new URL(opened.headers.get('location') ?? '', registry).href
  const closed = await fetch(closingUrl(location, digest), {
    method: 'PUT',
    body,
    duplex: 'half',
    headers: { 'content-type': 'application/octet-stream' },
  })
  if (closed.status !== 201) throw new Error(`the push was answered ${closed.status}: ${await closed.text()}`)
}

/** Pushes a blob to a registry as a client does, as a stream. Returns its digest. */
export async function pushBlob(registry: string, name: string, bytes: Uint8Array): Promise<string> {
  const digest = digestOf(bytes)
  await push(registry, name, digest, bytes as Uint8Array<ArrayBuffer>)
  return digest
}

const CHUNK_BYTES = 16 * 1024 * 1024

/**
 * Writes random bytes to a file and pushes them from it, so that a blob may be larger than memory. Returns its digest;
 * the file stays.
 */
export async function pushLarge(registry: string, name: string, path: string, sizeBytes: number): Promise<string> {
  await using file = await open(path, 'w+')
  const hash = createHash('sha256')
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (let written = 0; written < sizeBytes; written += chunk.length) {
    const part = randomFillSync(chunk).subarray(0, sizeBytes - written)
    hash.update(part)
    await file.write(part)
  }
  const digest = `sha256:${hash.digest('hex')}`
  await push(registry, name, digest, file.createReadStream({ start: 0, autoClose: false }))
  return digest
}

/** An image that was pushed: what a client pulls. */
export interface PushedImage {
  readonly manifest: string
  readonly layer: Uint8Array
  readonly layerDigest: string
}

/** Pushes an image with one random layer under a tag. */
export async function pushImage(registry: string, name: string, tag: string, layerBytes: number): Promise<PushedImage> {
  const layer = randomBytes(layerBytes)
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', id: tag }))
  const descriptor = async (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: await pushBlob(registry, name, bytes),
    size: bytes.length,
  })
  const layerDescriptor = await descriptor('application/vnd.oci.image.layer.v1.tar', layer)
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: await descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [layerDescriptor],
  })
  const answer = await fetch(`${registry}/v2/${name}/manifests/${tag}`, {
    method: 'PUT',
    body: manifest,
    headers: { 'content-type': mediaType },
  })
  if (answer.status !== 201) throw new Error(`the manifest was answered ${answer.status}: ${await answer.text()}`)
  return { manifest, layer, layerDigest: layerDescriptor.digest }
}
