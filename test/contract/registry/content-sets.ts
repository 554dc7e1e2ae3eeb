import type { Random } from '../../../lib/base/index.ts'
import { type Digest, type DigestAlgorithm, digestOf } from '../../../lib/core/index.ts'
import { descriptorOf, type FixtureBlob, type FixtureManifest, manifestFixture } from '../../kit/image-fixture.ts'

const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const EMPTY = 'application/vnd.oci.empty.v1+json'
const [TYPE_A, TYPE_B] = ['application/vnd.example.suite.a', 'application/vnd.example.suite.b'] as const

/** A manifest of a set, and what is expected of it. */
export interface SetManifest extends FixtureManifest {
  readonly tags: readonly string[]
  /** Its entry in the list of referrers of its subject. */
  readonly refers?: { readonly to: Digest; readonly as: object; readonly artifactType: string | undefined }
}

/** What one data set of the suites pushes: manifests stand after what they name. */
export interface ContentSet {
  readonly blobs: readonly FixtureBlob[]
  readonly manifests: readonly SetManifest[]
  /** Manifests are pushed by digest, with their tags as parameters. */
  readonly tagsAsParameters?: boolean
}

interface Part {
  readonly tags?: readonly string[]
  readonly fields?: Readonly<Record<string, unknown>>
  /** A further field of every descriptor. */
  readonly withData?: boolean
}

interface ImagePart extends Part {
  readonly config?: readonly [mediaType: string, bytes: string]
  readonly layers?: readonly string[]
}

/** Makes the content of one set. */
class SetBuilder {
  readonly blobs: FixtureBlob[] = []
  readonly manifests: SetManifest[] = []
  readonly #random: Random
  readonly #algorithm: DigestAlgorithm

  constructor(random: Random, algorithm: DigestAlgorithm = 'sha256') {
    this.#random = random
    this.#algorithm = algorithm
  }

  #blob(content: Uint8Array | string, mediaType: string, withData: boolean) {
    const bytes = Buffer.from(content)
    const blob = { bytes, digest: digestOf(bytes, this.#algorithm) }
    if (!this.blobs.some(({ digest }) => digest === blob.digest)) this.blobs.push(blob)
    return { ...descriptorOf(blob, mediaType), ...(withData && { data: bytes.toString('base64') }) }
  }

  nonce(): string {
    return Buffer.from(this.#random.bytes(8)).toString('hex')
  }

  #add(mediaType: string, fields: Readonly<Record<string, unknown>>, tags: readonly string[] = []): SetManifest {
    const made = manifestFixture(mediaType, fields)
    const digest = digestOf(made.bytes, this.#algorithm)
    const { subject, artifactType: own, config, annotations } = fields as Record<string, Record<string, unknown>>
    const artifactType = (own ?? config?.['mediaType']) as string | undefined
    const entry = { ...descriptorOf({ ...made, digest }, mediaType), ...(artifactType && { artifactType }) }
    const as = { ...entry, ...(annotations && { annotations }) }
    const refers = subject && { to: subject['digest'] as Digest, as, artifactType }
    const manifest = { ...made, digest, tags, ...(refers && { refers }) }
    this.manifests.push(manifest)
    return manifest
  }

  image({ tags, fields = {}, withData = false, config, layers = [LAYER, `${LAYER}+gzip`] }: ImagePart = {}) {
    const [configType, configBytes] = config ?? [CONFIG, JSON.stringify({ os: 'linux', author: this.nonce() })]
    const described = {
      config: this.#blob(configBytes, configType, withData),
      layers: layers.map((mediaType) => this.#blob(this.#random.bytes(300), mediaType, withData)),
    }
    return this.#add(OCI_IMAGE, { ...described, ...fields }, tags)
  }

  index(members: readonly SetManifest[], { tags, fields = {} }: Part = {}) {
    const platform = (i: number) => ({ os: 'linux', architecture: ['amd64', 'arm64'][i] })
    const manifests = members.map((each, i) => ({ ...descriptorOf(each, each.mediaType), platform: platform(i) }))
    return this.#add(OCI_INDEX, { manifests, ...fields }, tags)
  }

  artifact(artifactType: string, { fields = {}, ...part }: ImagePart = {}) {
    const annotations = { 'org.example.suite': 'attached', nonce: this.nonce() }
    return this.image({
      ...{ config: [EMPTY, '{}'] as const, layers: [artifactType] },
      ...{ ...part, fields: { artifactType, annotations, ...fields } },
    })
  }
}

const subjectOf = (manifest: FixtureManifest) => ({ subject: descriptorOf(manifest, manifest.mediaType) })
const unknownField = { 'org.example.field': { any: [1, null] } }
const foreign = (mediaType: string, nonce: string) => {
  const bytes = Buffer.from(nonce)
  const digest = digestOf(bytes)
  return { ...descriptorOf({ digest, bytes }, mediaType), urls: [`https://store.example.com/${digest}`] }
}

/** The sets of data of the suites of OCI, by name; "sparse" is `test/integration/proxy/sparse-index.test.ts`. */
const fillings: Readonly<Record<string, (set: SetBuilder) => void>> = {
  'an image': (set) => void set.image({ tags: ['image'] }),
  'an image with uncompressed layers': (set) => void set.image({ tags: ['plain'], layers: [LAYER, LAYER] }),
  'an image without layers': (set) => void set.image({ tags: ['no-layers'], layers: [] }),
  'a manifest of 3.9 MB': (set) => {
    const annotations = Object.fromEntries(Array.from({ length: 390 }, (_, i) => [`note-${i}`, 'A'.repeat(10_000)]))
    set.image({ tags: ['large'], fields: { annotations } })
  },
  'an index': (set) => void set.index([set.image(), set.image()], { tags: ['index'] }),
  'an index of indexes': (set) => {
    const inner = [0, 1].map(() => set.index([set.image(), set.image()]))
    set.index(inner, { tags: ['index-of-index'] })
  },
  'an empty index': (set) => void set.index([], { tags: ['empty'] }),
  'an artifact': (set) => void set.artifact(TYPE_A, { tags: ['artifact'] }),
  'an index of artifacts': (set) => {
    const members = [set.artifact(TYPE_A), set.artifact(TYPE_A)]
    set.index(members, { tags: ['artifacts'], fields: { artifactType: TYPE_A } })
  },
  'an artifact whose layer is the empty config': (set) => {
    const config = { ...descriptorOf({ digest: digestOf(Buffer.from('{}')), bytes: Buffer.from('{}') }, EMPTY) }
    set.artifact(TYPE_A, { tags: ['bare'], layers: [], fields: { layers: [config] } })
  },
  'an image with artifacts of two types and an image that refer to it': (set) => {
    const subject = subjectOf(set.image({ tags: ['image'] }))
    set.image({ fields: subject })
    set.artifact(TYPE_A, { tags: ['one'], fields: subject })
    set.artifact(TYPE_B, { tags: ['two'], fields: subject })
  },
  'an index with an index of artifacts that refers to it': (set) => {
    const subject = subjectOf(set.index([set.image()], { tags: ['index'] }))
    const fields = { ...subject, artifactType: TYPE_A, annotations: { nonce: set.nonce() } }
    set.index([set.artifact(TYPE_A)], { tags: ['artifacts'], fields })
  },
  'an artifact whose subject is missing': (set) => {
    const subject = { mediaType: OCI_IMAGE, size: 123, digest: digestOf(Buffer.from(set.nonce())) }
    set.artifact(TYPE_A, { tags: ['alone'], fields: { subject } })
  },
  'descriptors with data': (set) => void set.image({ tags: ['data'], withData: true }),
  'layers that are elsewhere': (set) => {
    const layers = [`${FOREIGN}+gzip`, FOREIGN].map((type) => foreign(type, set.nonce()))
    set.image({ tags: ['foreign'], layers: [], fields: { layers } })
  },
  'fields that nobody knows': (set) => {
    const members = [set.image({ fields: unknownField }), set.image({ fields: unknownField })]
    set.index(members, { tags: ['fields'], fields: unknownField })
  },
}

/** By digest, and in the algorithm of each. */
const indexOfTwo = (set: SetBuilder, tags?: readonly string[]) =>
  void set.index([set.image(), set.image({ tags: tags?.slice(2) ?? [] })], { tags: tags?.slice(0, 2) ?? [] })

/** Every set, made anew with each call. */
export function contentSets(random: Random): readonly (readonly [name: string, make: () => ContentSet])[] {
  const made =
    (fill: (set: SetBuilder) => void, algorithm?: DigestAlgorithm, tagsAsParameters = false) =>
    () => {
      const set = new SetBuilder(random, algorithm)
      fill(set)
      return { blobs: set.blobs, manifests: set.manifests, tagsAsParameters }
    }
  const tags = ['a', 'b', 'c']
  return [
    ...Object.entries(fillings).map(([name, fill]) => [name, made(fill)] as const),
    ['an index by sha512', made(indexOfTwo, 'sha512')],
    ['tags as parameters', made((set) => indexOfTwo(set, tags), 'sha256', true)],
    ['tags as parameters, by sha512', made((set) => indexOfTwo(set, tags), 'sha512', true)],
  ]
}
