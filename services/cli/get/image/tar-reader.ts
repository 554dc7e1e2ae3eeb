import { Header, Pax } from 'tar'
import { appError } from '../../../../lib/base/index.ts'
import type { ByteFeed } from './byte-feed.ts'
import { type ImagePath, imagePath } from './image-path.ts'
import type { EntryKind, LayerEntry } from './layer-index.ts'
import { MAX_META_BYTES, MAX_UNPACKED_BYTES } from './limits.ts'

const BLOCK = 512

/** What a tar holds, in its order: an entry, and then the bytes of it when it is a file. */
export type TarItem =
  | { readonly kind: 'entry'; readonly path: ImagePath; readonly entry: LayerEntry }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

const KINDS: Readonly<Record<string, EntryKind>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Directory: 'folder',
  SymbolicLink: 'symlink',
  Link: 'hardlink',
  CharacterDevice: 'special',
  BlockDevice: 'special',
  FIFO: 'special',
}

/** What the headers before an entry say of it. */
interface Ahead {
  readonly pax?: Pax | undefined
  readonly path?: string
  readonly target?: string
  /** It is written without its holes (GNU tar), in a form that this does not read. */
  readonly hasHoles?: boolean
}

/**
 * Reads a tar (ustar, pax, the long names of GNU tar) to its end. What is not understood is an error: a reader that
 * skipped it would see other files than the one that unpacks the layer.
 * @throws LAYER_UNREADABLE, IMAGE_TOO_LARGE
 */
export async function* tarItems(feed: ByteFeed): AsyncGenerator<TarItem> {
  let ahead: Ahead = {}
  let globals: Pax | undefined
  for (let at = 0, unpacked = 0; ; ) {
    const block = await feed.take(BLOCK)
    if (block.length === 0) return
    const header = headerIn(block, ahead.pax, globals)
    if (header === undefined) return
    const size = sizeOf(header)
    unpacked += BLOCK + size
    if (unpacked > MAX_UNPACKED_BYTES) throw tooLarge('a layer is larger than 1 TiB when it is unpacked')
    if (isMeta(header)) {
      const text = await metaText(feed, size)
      if (header.type === 'GlobalExtendedHeader') globals = Pax.parse(text, globals, true)
      else ahead = { ...ahead, ...metaOf(header, text, ahead.pax) }
      continue
    }
    const entry = entryOf(header, { ahead, at })
    yield { kind: 'entry', path: imagePath(ahead.path ?? ahead.pax?.path ?? header.path ?? ''), entry }
    yield* body(feed, size)
    at += 1
    ahead = {}
  }
}

const unreadable = (message: string, cause?: unknown) => appError('LAYER_UNREADABLE', { message, cause })
const tooLarge = (message: string) => appError('IMAGE_TOO_LARGE', { message })

/** Undefined for the block of zeros at the end. */
function headerIn(block: Buffer, pax: Pax | undefined, globals: Pax | undefined): Header | undefined {
  if (block.length < BLOCK) throw unreadable('a layer ends in the middle of its tar')
  let header: Header
  try {
    header = new Header(block, 0, pax, globals)
  } catch (err) {
    throw unreadable('a layer is no tar: a header of it is malformed', err)
  }
  if (header.nullBlock) return undefined
  if (!header.cksumValid) throw unreadable('a layer is no tar: a header of it has a wrong checksum')
  return header
}

/** Entries of these types have no bytes, whatever size is written beside them. */
const BARE = new Set(['Directory', 'SymbolicLink', 'Link', 'CharacterDevice', 'BlockDevice', 'FIFO'])

function sizeOf({ type, size }: Header): number {
  if (BARE.has(type)) return 0
  if (Number.isSafeInteger(size)) return Number(size)
  throw unreadable('a layer has an entry of an impossible size')
}

const META = new Set<string>([
  'ExtendedHeader',
  'OldExtendedHeader',
  'GlobalExtendedHeader',
  'NextFileHasLongPath',
  'OldGnuLongPath',
  'NextFileHasLongLinkpath',
])

const isMeta = ({ type }: Header) => META.has(type)

async function metaText(feed: ByteFeed, size: number): Promise<string> {
  if (size > MAX_META_BYTES) throw tooLarge(`a header of a layer has more than ${MAX_META_BYTES} bytes`)
  const bytes = await feed.take(padded(size))
  if (bytes.length < padded(size)) throw unreadable('a layer ends in the middle of its tar')
  return bytes.toString('utf8', 0, size)
}

function metaOf({ type }: Header, text: string, before: Pax | undefined): Ahead {
  if (type === 'ExtendedHeader' || type === 'OldExtendedHeader')
    return { pax: Pax.parse(text, before), hasHoles: text.includes(' GNU.sparse.') }
  const [name = ''] = text.split('\0', 1)
  return type === 'NextFileHasLongLinkpath' ? { target: name } : { path: name }
}

function entryOf(header: Header, { ahead, at }: { readonly ahead: Ahead; readonly at: number }): LayerEntry {
  const kind = KINDS[header.type]
  if (kind === undefined) throw unreadable(`a layer has an entry of a type that is not read: ${header.type}`)
  if (kind === 'file') return { kind: ahead.hasHoles === true ? 'special' : 'file', size: sizeOf(header), at }
  if (kind !== 'symlink' && kind !== 'hardlink') return { kind, size: 0, at }
  const target = ahead.target ?? ahead.pax?.linkpath ?? header.linkpath ?? ''
  imagePath(target)
  return { kind, size: 0, target, at }
}

const padded = (size: number) => Math.ceil(size / BLOCK) * BLOCK

async function* body(feed: ByteFeed, size: number): AsyncGenerator<TarItem> {
  const broken = () => unreadable('a layer ends in the middle of its tar')
  for (let left = size; left > 0; ) {
    const bytes = await feed.some(left)
    if (bytes.length === 0) throw broken()
    yield { kind: 'bytes', bytes }
    left -= bytes.length
  }
  const padding = padded(size) - size
  if ((await feed.take(padding)).length < padding) throw broken()
}
