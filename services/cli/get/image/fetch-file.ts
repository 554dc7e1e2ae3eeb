import { type AbortOptions, appError, type Clock, type ProcessHost } from '../../../../lib/base/index.ts'
import { type ByteRange, type Digest, digestAlgorithm, wholeRange } from '../../../../lib/core/index.ts'
import { parseRange } from '../../../../lib/http/index.ts'
import type { LayerDescriptor } from '../../../../lib/registry/index.ts'
import type { Asked, Inside } from '../asked-for.ts'
import { type Clients, withClients } from '../clients.ts'
import { fileSink, type Sink, streamSink } from '../sinks.ts'
import { askedSources, watch } from '../watch.ts'
import type { Found } from './image-files.ts'
import { type ImageAt, layerReader, layersOf, type ReadCounts } from './image-layers-of.ts'
import { imagePath } from './image-path.ts'
import type { EntryKind } from './layer-index.ts'
import { OpenedImage, type OpenedImageInit } from './opened-image.ts'
import type { Catcher } from './tar-layer.ts'

export interface FetchFileComponents {
  readonly clock: Clock
  readonly host: Pick<ProcessHost, 'output' | 'say' | 'show'>
}

/** What is wanted of which image. */
export interface AskedInside extends Asked {
  readonly inside: Inside
  readonly name: ImageAt['image']
}

/**
 * Fetches a file of an image, or lists what lies at a path of it.
 * @throws FILE_UNKNOWN, NOT_A_FILE, LINK_LOOP, LAYER_UNREADABLE, IMAGE_TOO_LARGE, DIGEST_INVALID, RANGE_UNSATISFIABLE,
 * MANIFEST_UNKNOWN when there is no image for the platform, and what the agent answers
 */
export function fetchFile(components: FetchFileComponents, asked: AskedInside, signal: AbortSignal): Promise<void> {
  const { clock, host } = components
  return withClients(clock, asked.admin, async (clients) => {
    const at = { agent: asked.agent, image: asked.name }
    const parts = { clock, http: clients.http }
    const counted = new Counted()
    const display = shown(components, { asked, clients, counted })
    try {
      const layers = await layersOf(parts, { ...at, platform: asked.inside.platform }, { signal })
      await perform(host, asked, { blobs: layerReader(parts, at, counted), layers }, signal)
    } finally {
      await display?.[Symbol.asyncDispose]()
    }
  })
}

async function perform(
  host: FetchFileComponents['host'],
  asked: AskedInside,
  image: ImageParts,
  signal: AbortSignal,
): Promise<void> {
  if (asked.inside.isList) {
    await list(host, { ...image, inside: asked.inside }, { signal })
    return
  }
  await using sink = await sinkFor(asked, host)
  await bring({ ...image, asked, sink }, { signal })
}

type ImageParts = Pick<OpenedImageInit, 'blobs' | 'layers'>

async function list(
  host: Pick<ProcessHost, 'say'>,
  { inside, ...image }: ImageParts & { readonly inside: Inside },
  options: AbortOptions,
): Promise<void> {
  const { files } = new OpenedImage({ ...image, catcher: () => undefined })
  for (const found of await files.list(inside.path, options)) host.say(rowText(found))
}

/** A name may have any bytes, and terminals obey some. */
const visible = (name: string) => name.replace(/\p{C}/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`)

/** Type, bytes and name, with tabs between them. */
function rowText({ entry, path }: Found): string {
  const target = entry.target === undefined ? '' : ` -> ${visible(entry.target)}`
  return [entry.kind, String(entry.size), `/${visible(path)}${target}`].join('\t')
}

function sinkFor({ digest, output }: Asked, host: Pick<ProcessHost, 'output'>): Promise<Sink> {
  const algorithm = digest === undefined ? 'sha256' : digestAlgorithm(digest)
  return output === undefined
    ? Promise.resolve(streamSink(host.output, algorithm))
    : fileSink(output, undefined, algorithm)
}

interface Bringing extends ImageParts {
  readonly asked: AskedInside
  readonly sink: Sink
}

async function bring({ asked, sink, ...image }: Bringing, options: AbortOptions): Promise<void> {
  const { inside, range } = asked
  const caught = range === undefined ? catching(inside.path, sink, options) : undefined
  const opened = new OpenedImage({ ...image, catcher: (layer) => caught?.inLayer(layer) })
  const found = await opened.files.find(inside.path, options)
  if (found.entry.kind !== 'file') throw notAFile(inside.path, found.entry.kind)
  if (caught?.has(found) !== true) {
    await sink.restart?.()
    const layer = await opened.layer(found.layer, options)
    for await (const bytes of layer.read(found.entry, partOf(range, found.entry.size), options))
      await sink.take(bytes, options)
  }
  await sink.end(asked.digest)
}

const notAFile = (path: string, kind: EntryKind) =>
  appError('NOT_A_FILE', { message: `${path} is a ${kind}; name a file, or list what lies there with --list` })

function partOf(range: string | undefined, size: number): ByteRange {
  if (range === undefined) return wholeRange(size)
  const asked = parseRange(`bytes=${range}`, size)
  if (asked.kind === 'single') return asked.range
  throw appError('RANGE_UNSATISFIABLE', { message: `the file has ${size} bytes`, detail: { size } })
}

interface Catching {
  inLayer(layer: number): Catcher
  /** Whether what was caught last is this. */
  has(found: Found): boolean
}

/** Catches the file under its plain path; undefined where what has come cannot be taken back. */
function catching(path: string, sink: Sink, options: AbortOptions): Catching | undefined {
  const { restart } = sink
  if (restart === undefined) return undefined
  let last: { readonly layer: number; readonly at: number } | undefined
  return {
    inLayer: (layer) => ({
      path: imagePath(path),
      async begin({ at }) {
        last = { layer, at }
        await sink.restart?.()
      },
      take: (bytes) => sink.take(bytes, options),
    }),
    has: ({ layer, entry }) => last?.layer === layer && last.at === entry.at,
  }
}

/** How much of the layers has come, and of which layer it is now. */
class Counted implements ReadCounts {
  done = 0
  total = 0
  layer: Digest | undefined

  asked({ digest }: LayerDescriptor, bytes: number): void {
    this.layer = digest
    this.total += bytes
  }

  came(bytes: number): void {
    this.done += bytes
  }
}

interface Shown {
  readonly asked: AskedInside
  readonly clients: Clients
  readonly counted: Counted
}

function shown({ clock, host }: FetchFileComponents, { asked, clients, counted }: Shown): AsyncDisposable | undefined {
  const { url } = asked.admin
  const { show } = host
  if (show === undefined) return undefined
  const sources = (options: AbortOptions) =>
    counted.layer === undefined
      ? Promise.resolve(undefined)
      : askedSources(clients.adminHttp, { url, digest: counted.layer }, options)
  return watch({ clock, show, sources, counts: () => counted })
}
