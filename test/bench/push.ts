import { createHash, randomBytes } from 'node:crypto'
import { closingUrl } from '../kit/registry-client.ts'

/** Pushes a blob to a registry as a client does, as a stream. Returns its digest. */
export async function pushBlob(registry: string, name: string, bytes: Uint8Array): Promise<string> {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const opened = await fetch(`${registry}/v2/${name}/blobs/uploads/`, { method: 'POST' })
  await opened.body?.cancel()
  const location = new URL(opened.headers.get('location') ?? '', registry).href
  const closed = await fetch(closingUrl(location, digest), {
    method: 'PUT',
    body: bytes as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'application/octet-stream' },
  })
  if (closed.status !== 201) throw new Error(`the push was answered ${closed.status}: ${await closed.text()}`)
  return digest
}

/** Pushes an image with one random layer under a tag; returns the layer's digest. */
export async function pushImage(registry: string, name: string, tag: string, layerBytes: number): Promise<string> {
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
  return layerDescriptor.digest
}
