import { type Digest, digestOf } from '../../../lib/core/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import {
  blobFixture,
  descriptorOf,
  type FixtureBlob,
  type FixtureManifest,
  manifestFixture,
} from '../../kit/image-fixture.ts'
import { closingUrl, type RegistryClient } from '../../kit/registry-client.ts'
import { expectStatus } from './patiently.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

/** An image as its pusher has it. */
export interface HonestImage {
  readonly repository: string
  readonly tag: string
  readonly blobs: readonly FixtureBlob[]
  readonly manifest: FixtureManifest
}

/** What pullers remember of it. */
export interface PushedImage {
  readonly repository: string
  readonly tag: string
  readonly manifest: Digest
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[]
}

/** The same name gives the same image. */
export function honestImage(name: string, repository: string, layerSizes: readonly number[]): HonestImage {
  const layers = layerSizes.map((size, i) => blobFixture(cipherBytes(`${name} ${i}`, size)))
  const config = blobFixture(JSON.stringify({ architecture: 'amd64', os: 'linux', author: name }))
  const manifest = manifestFixture(MANIFEST, {
    config: descriptorOf(config, CONFIG),
    layers: layers.map((layer) => descriptorOf(layer, LAYER)),
  })
  return { repository, tag: name.replaceAll(' ', '-'), blobs: [config, ...layers], manifest }
}

export const pushed = ({ repository, tag, manifest, blobs }: HonestImage): PushedImage => ({
  ...{ repository, tag, manifest: manifest.digest },
  blobs: blobs.map(({ digest, bytes }) => ({ digest, size: bytes.byteLength })),
})

/** Pushes as docker does: what is not there yet, one chunk for each blob, then the manifest. */
export async function push(client: RegistryClient, image: HonestImage, signal: AbortSignal): Promise<void> {
  const { repository, tag, blobs, manifest } = image
  for (const { digest, bytes } of blobs) {
    const { status } = await client.send('HEAD', `/v2/${repository}/blobs/${digest}`, { signal })
    if (status === 200) continue
    const opened = await client.send('POST', `/v2/${repository}/blobs/uploads/`, { signal })
    const at = expectStatus('open', opened, 202).headers.location ?? ''
    const sent = await client.send('PATCH', at, { body: bytes, chunked: true, signal })
    const next = expectStatus('append', sent, 202).headers.location ?? ''
    expectStatus('close', await client.send('PUT', closingUrl(next, digest), { signal }), 201)
  }
  const headers = { 'content-type': manifest.mediaType }
  const put = await client.send('PUT', `/v2/${repository}/manifests/${tag}`, { headers, body: manifest.bytes, signal })
  expectStatus('manifest', put, 201)
}

/** One blob. @throws also when a byte is wrong */
export async function pullBlob(client: RegistryClient, repository: string, digest: Digest, signal: AbortSignal) {
  const answer = await client.send('GET', `/v2/${repository}/blobs/${digest}`, { signal })
  const { body } = expectStatus('blob', answer, 200)
  if (digestOf(body) !== digest) throw new WrongBytes(`${body.byteLength} bytes are not ${digest}`)
}

/** A whole image, by its tag. @throws also when a byte is wrong */
export async function pullByTag(client: RegistryClient, image: PushedImage, signal: AbortSignal): Promise<void> {
  const { repository, tag, manifest, blobs } = image
  const headers = { accept: MANIFEST }
  const answer = await client.send('GET', `/v2/${repository}/manifests/${tag}`, { headers, signal })
  const { body } = expectStatus('tag', answer, 200)
  if (digestOf(body) !== manifest) throw new WrongBytes(`${tag} is not ${manifest}`)
  for (const { digest } of blobs) await pullBlob(client, repository, digest, signal)
}

/** An answer of 200 with other bytes: nothing that trying again may hide. */
class WrongBytes extends Error {
  readonly code = 'WRONG_BYTES'
}
