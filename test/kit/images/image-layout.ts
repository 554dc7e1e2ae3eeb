import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeBlob } from './blob-folder.ts'
import { type LayerSpec, layerChunks } from './layer.ts'

export interface Platform {
  readonly os: string
  readonly architecture: string
}

export interface ImageSpec {
  /** The lowest layer first. */
  readonly layers: readonly LayerSpec[]
  readonly cmd?: readonly string[]
  /** Default: linux on this machine's architecture. */
  readonly platform?: Platform
  /** Default: gzip. */
  readonly compression?: 'gzip' | 'none'
}

/** One image or one index, in a folder of its own. */
export interface ImageLayout {
  readonly folder: string
  /** Source or destination for skopeo: `oci:<folder>:<tag>`. */
  readonly reference: string
  /** Digest of the manifest or index. */
  readonly digest: string
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

interface ManifestDescriptor extends Descriptor {
  readonly platform?: Platform
}

export interface ManifestDigests {
  readonly digest: string
  readonly platform?: Platform
  readonly config: string
  readonly layers: readonly string[]
  /** Digests of the uncompressed layers. */
  readonly diffIds: readonly string[]
}

export interface LayoutDigests {
  /** Digest that the tag points to: that of the index if there is one. */
  readonly digest: string
  readonly mediaType: string
  readonly manifests: readonly ManifestDigests[]
}

const tag = 'image'
const ownPlatform: Platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
const created = '2020-01-01T00:00:00Z'
const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  none: 'application/vnd.oci.image.layer.v1.tar',
} as const

/** Writes an image into `folder` as an OCI layout; the same spec always gives the same digests. */
export async function makeImage(folder: string, spec: ImageSpec): Promise<ImageLayout> {
  return finish(folder, await writeImage(folder, spec))
}

/** Writes an index with one image for each spec; each spec must name its platform. */
export async function makeIndex(folder: string, specs: readonly ImageSpec[]): Promise<ImageLayout> {
  const manifests: ManifestDescriptor[] = []
  for (const spec of specs)
    manifests.push({ ...(await writeImage(folder, spec)), platform: spec.platform ?? ownPlatform })
  return finish(folder, await writeJson(folder, types.index, { manifests }))
}

/** Reads all digests of a layout with one tag; the layout may come from any program. */
export async function digestsOf(folder: string): Promise<LayoutDigests> {
  const {
    manifests: [root],
  } = (await readJson(join(folder, 'index.json'))) as { manifests: ManifestDescriptor[] }
  if (root === undefined) throw new Error(`${folder} holds no image`)
  const children =
    root.mediaType === types.index
      ? ((await readBlob(folder, root.digest)) as { manifests: ManifestDescriptor[] }).manifests
      : [root]
  const manifests = await Promise.all(children.map((child) => manifestDigests(folder, child)))
  return { digest: root.digest, mediaType: root.mediaType, manifests }
}

async function manifestDigests(folder: string, { digest, platform }: ManifestDescriptor): Promise<ManifestDigests> {
  const manifest = (await readBlob(folder, digest)) as { config: Descriptor; layers: Descriptor[] }
  const config = (await readBlob(folder, manifest.config.digest)) as { rootfs: { diff_ids: string[] } }
  return {
    digest,
    ...(platform === undefined ? {} : { platform }),
    config: manifest.config.digest,
    layers: manifest.layers.map((layer) => layer.digest),
    diffIds: config.rootfs.diff_ids,
  }
}

async function writeImage(folder: string, spec: ImageSpec): Promise<Descriptor> {
  const compression = spec.compression ?? 'gzip'
  const layers: Descriptor[] = []
  const diffIds: string[] = []
  for (const layer of spec.layers) {
    const blob = await writeBlob(folder, layerChunks(layer), { gzip: compression === 'gzip' })
    layers.push({ mediaType: types[compression], digest: blob.digest, size: blob.size })
    diffIds.push(blob.contentDigest)
  }
  const config = await writeJson(folder, types.config, {
    created,
    ...(spec.platform ?? ownPlatform),
    config: { Cmd: spec.cmd ?? [] },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: spec.layers.map((layer) => ({ created, created_by: JSON.stringify(layer) })),
  })
  return writeJson(folder, types.manifest, { config, layers })
}

async function finish(folder: string, root: Descriptor): Promise<ImageLayout> {
  await mkdir(folder, { recursive: true })
  const annotations = { 'org.opencontainers.image.ref.name': tag }
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...root, annotations }] }),
  )
  return { folder, reference: `oci:${folder}:${tag}`, digest: root.digest }
}

async function writeJson(folder: string, mediaType: string, value: object): Promise<Descriptor> {
  const envelope = mediaType === types.config ? value : { schemaVersion: 2, mediaType, ...value }
  const { digest, size } = await writeBlob(folder, [Buffer.from(JSON.stringify(envelope))])
  return { mediaType, digest, size }
}

function readBlob(folder: string, digest: string): Promise<unknown> {
  return readJson(join(folder, 'blobs', digest.replace(':', '/')))
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'))
}
