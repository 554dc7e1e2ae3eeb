import type { Random } from '../../../lib/base/index.ts'
import { blobFixture, descriptorOf, type FixtureBlob, imageFixture, manifestFixture } from '../../kit/image-fixture.ts'
import type { TracePart } from './client-traces.ts'

const OCI = 'application/vnd.oci.image'
const KIND = 'application/vnd.example.signature'

export interface TraceScene {
  readonly parts: Readonly<Record<TracePart, FixtureBlob & { readonly type: string }>>
  /** Replaces every `{…}` of a text. */
  fill(text: string): string
  /** The Location of the last answer that had one. */
  location: string
}

/** Where a trace is played. */
export interface TraceNames {
  readonly name: string
  /** A repository that has the layer. */
  readonly other: string
  /** The name of the registry that clients give with `ns`. */
  readonly registry: string
}

/** New content for a trace: an image, an artifact that refers to it, an index of both, and a cache of BuildKit. */
export function traceScene(random: Random, names: TraceNames): TraceScene {
  const image = imageFixture(random, [3000])
  const [layer] = image.layers as [FixtureBlob]
  const [empty, signature] = [blobFixture('{}'), blobFixture(random.bytes(200))]
  const subject = descriptorOf(image.manifest, image.manifest.mediaType)
  const artifact = manifestFixture(`${OCI}.manifest.v1+json`, {
    artifactType: KIND,
    config: descriptorOf(empty, 'application/vnd.oci.empty.v1+json'),
    layers: [descriptorOf(signature, KIND)],
    subject,
  })
  const attestation = {
    ...descriptorOf(artifact, artifact.mediaType),
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': subject.digest },
  }
  const platform = { os: 'linux', architecture: 'amd64' }
  const index = manifestFixture(`${OCI}.index.v1+json`, { manifests: [{ ...subject, platform }, attestation] })
  const cached = [
    descriptorOf(layer, `${OCI}.layer.v1.tar+gzip`),
    descriptorOf(image.config, 'application/vnd.buildkit.cacheconfig.v0'),
  ]
  const cache = manifestFixture(`${OCI}.index.v1+json`, { manifests: cached })
  const asBlob = (blob: FixtureBlob) => ({ ...blob, type: 'application/octet-stream' })
  const asManifest = ({ mediaType, ...blob }: FixtureBlob & { readonly mediaType: string }) => ({
    ...blob,
    type: mediaType,
  })
  const parts: TraceScene['parts'] = {
    ...{ layer: asBlob(layer), config: asBlob(image.config), empty: asBlob(empty), signature: asBlob(signature) },
    ...{ manifest: asManifest(image.manifest), artifact: asManifest(artifact) },
    ...{ index: asManifest(index), cache: asManifest(cache) },
  }
  const words: Record<string, string> = {
    ...names,
    nowhere: 'suite/nowhere',
    zeros: `sha256:${'0'.repeat(64)}`,
    'artifact.kind': encodeURIComponent(KIND),
  }
  for (const [part, { digest, bytes, type }] of Object.entries(parts)) {
    const { byteLength: size } = bytes
    const facts = { size, last: size - 1, upto10: size + 9, type, tag: digest.replace(':', '-') }
    words[part] = digest
    words[`${part}.escaped`] = encodeURIComponent(digest)
    for (const [fact, value] of Object.entries(facts)) words[`${part}.${fact}`] = String(value)
  }
  const scene: TraceScene = {
    parts,
    location: '',
    fill: (text) =>
      text.replace(/\{([\w.]+)\}/g, (_, word: string) => {
        const value = word === 'location' ? scene.location : words[word]
        if (value === undefined) throw new Error(`no {${word}} in the scene`)
        return value
      }),
  }
  return scene
}
