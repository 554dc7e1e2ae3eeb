import { deadline, systemClock } from '../../lib/base/index.ts'
import { manifestFixture } from '../kit/image-fixture.ts'
import { closingUrl, registryClient } from '../kit/registry-client.ts'
import type { Ended } from './ask.ts'
import { bytesOf, type ModelBlob, modelBlob } from './model-blob.ts'
import type { PlacedImage } from './pulls.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const CONFIG_BYTES = 2000

const clock = systemClock()

/** An image that nobody has yet; the same name gives the same image. */
export function modelImage(name: string, repository: string, layerSizes: readonly number[]): PlacedImage {
  const layers = layerSizes.map((size, index) => modelBlob(`${name} layer ${index}`, size))
  const config = modelBlob(`${name} config`, CONFIG_BYTES)
  const described = ({ digest, size }: ModelBlob, mediaType: string) => ({ mediaType, digest, size })
  const manifest = manifestFixture(MANIFEST, {
    config: described(config, CONFIG),
    layers: layers.map((layer) => described(layer, LAYER)),
  })
  return { repository, tag: name.replaceAll(' ', '-'), manifest, blobs: [config, ...layers] }
}

/** One try to push all of it; `refused` for any answer but the hoped-for one. */
export async function pushImage(baseUrl: string, image: PlacedImage, boundMs: number): Promise<Ended> {
  const { repository, tag, blobs, manifest } = image
  const client = registryClient(baseUrl)
  const bound = deadline(clock, boundMs)
  const { signal } = bound
  try {
    for (const { name, digest, size } of blobs) {
      const opened = await client.send('POST', `/v2/${repository}/blobs/uploads/`, { signal })
      if (opened.status !== 202) return refused('open', opened.status)
      const at = closingUrl(opened.headers.location ?? '', digest)
      const { status } = await client.send('PUT', at, { body: bytesOf(name, { start: 0, end: size }), signal })
      if (status !== 201) return refused('close', status)
    }
    const headers = { 'content-type': manifest.mediaType }
    const put = await client.send('PUT', `/v2/${repository}/manifests/${tag}`, {
      headers,
      body: manifest.bytes,
      signal,
    })
    return put.status === 201 ? { end: 'ok', why: '' } : refused('manifest', put.status)
  } catch {
    return bound.expired ? { end: 'hung', why: `no end after ${boundMs} ms` } : { end: 'cut', why: 'push' }
  } finally {
    bound.release()
  }
}

const refused = (what: string, status: number): Ended => ({ end: 'refused', why: `${what}: ${status}` })
