import { gzipSync } from 'node:zlib'
import { Header, Pax } from 'tar'
import { type Digest, digestOf } from '../../lib/core/index.ts'

/** An entry of a layer, with as little of a tar as tests want to say. */
export interface LayerFile {
  readonly name: string
  /** Default: a file, or of a name that ends in a slash a folder. */
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'FIFO' | 'GlobalExtendedHeader'
  readonly body?: Uint8Array | string
  readonly link?: string
  /** What the header says instead of the length of `body`. */
  readonly size?: number
}

const BLOCK = 512

export const file = (name: string, body: Uint8Array | string = ''): LayerFile => ({ name, body })
export const folder = (name: string): LayerFile => ({ name: `${name}/` })
export const symlink = (name: string, link: string): LayerFile => ({ name, link, type: 'SymbolicLink' })
export const hardlink = (name: string, link: string): LayerFile => ({ name, link, type: 'Link' })
export const whiteout = (name: string): LayerFile => file(name.replace(/[^/]*$/, '.wh.$&'))
export const opaque = (name: string): LayerFile => file(`${name}/.wh..wh..opq`)

const padded = (bytes: Uint8Array) =>
  Buffer.concat([bytes, Buffer.alloc(Math.ceil(bytes.length / BLOCK) * BLOCK - bytes.length)])

const typeOf = ({ name, type }: LayerFile) => type ?? (name.endsWith('/') ? 'Directory' : 'File')

function headerOf(each: LayerFile): Buffer {
  const body = Buffer.from(each.body ?? '')
  const facts = { path: each.name, type: typeOf(each), size: each.size ?? body.length, mode: 0o644, mtime: new Date(0) }
  const header = new Header({ ...facts, ...(each.link !== undefined && { linkpath: each.link }) })
  const block = Buffer.alloc(BLOCK)
  if (!header.encode(block)) return block
  const pax = new Pax({ path: each.name, ...(each.link !== undefined && { linkpath: each.link }) }).encode()
  return Buffer.concat([pax, block])
}

const entryOf = (each: LayerFile) => Buffer.concat([headerOf(each), padded(Buffer.from(each.body ?? ''))])

/** A tar of these entries. */
export const tarOf = (files: readonly LayerFile[]): Buffer =>
  Buffer.concat([...files.map(entryOf), Buffer.alloc(2 * BLOCK)])

/** Zstd that packs nothing (RFC 8878: one frame of raw blocks), in the layout that a packer would use. */
export function zstdOf(bytes: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(bytes.length)
  const blocks: Buffer[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += 100_000) {
    const block = bytes.subarray(at, at + 100_000)
    const head = Buffer.alloc(3)
    head.writeUIntLE(block.length * 8 + (at + 100_000 >= bytes.length ? 1 : 0), 0, 3)
    blocks.push(head, Buffer.from(block))
  }
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0]), size, ...blocks])
}

/** A layer with what its manifest says of it. */
export interface BuiltLayer {
  readonly bytes: Buffer
  readonly digest: Digest
  readonly annotations: Readonly<Record<string, string>>
}

export const layerOf = (bytes: Buffer, annotations: Readonly<Record<string, string>> = {}): BuiltLayer => ({
  ...{ bytes, annotations },
  digest: digestOf(bytes),
})

interface Piece {
  readonly bytes: Buffer
  readonly row?: object
}

/** Headers and chunks of the files, each to be packed for itself, with their rows of a table of contents. */
function* piecesOf(files: readonly LayerFile[], chunkSize: number): Generator<Piece> {
  const types = { File: 'reg', Directory: 'dir', SymbolicLink: 'symlink', Link: 'hardlink', FIFO: 'fifo' } as const
  for (const each of files) {
    const body = Buffer.from(each.body ?? '')
    const type = types[typeOf(each) as keyof typeof types]
    const { name, link } = each
    const facts = { name, type, size: body.length, ...(link !== undefined && { linkName: link }) }
    yield { bytes: headerOf(each), ...(body.length === 0 && { row: facts }) }
    for (let at = 0; at < body.length; at += chunkSize) {
      const bytes = body.subarray(at, at + chunkSize)
      const first = at === 0 ? facts : { name, type: 'chunk' }
      yield { bytes, row: { ...first, chunkOffset: at, chunkSize: bytes.length, chunkDigest: digestOf(bytes) } }
    }
    yield { bytes: padded(body).subarray(body.length) }
  }
}

function packedPieces(files: readonly LayerFile[], chunkSize: number, pack: (bytes: Uint8Array) => Buffer) {
  const parts: Buffer[] = []
  const rows: object[] = []
  let offset = 0
  for (const { bytes, row } of piecesOf(files, chunkSize)) {
    const packed = bytes.length === 0 ? Buffer.alloc(0) : pack(bytes)
    if (row !== undefined) rows.push({ ...row, offset, endOffset: offset + packed.length })
    parts.push(packed)
    offset += packed.length
  }
  return { bytes: Buffer.concat(parts), toc: Buffer.from(JSON.stringify({ version: 1, entries: rows })) }
}

/** An eStargz layer: gzip members for each chunk, the table of contents in a tar of its own, a footer of 51 bytes. */
export function estargzOf(files: readonly LayerFile[], chunkSize = 100_000): BuiltLayer {
  const { bytes, toc } = packedPieces(files, chunkSize, (each) => gzipSync(each))
  const table = gzipSync(tarOf([file('stargz.index.json', toc)]))
  const note = Buffer.from(`SG\x16\0${bytes.length.toString(16).padStart(16, '0')}STARGZ`, 'latin1')
  const head = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, note.length, 0])
  const footer = Buffer.concat([head, note, Buffer.from([1, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0])])
  const digest = digestOf(toc)
  return layerOf(Buffer.concat([bytes, table, footer]), { 'containerd.io/snapshot/stargz/toc.digest': digest })
}

/** A zstd:chunked layer, as containers/storage writes it: its table in a frame that unpackers skip. */
export function zstdChunkedOf(files: readonly LayerFile[], chunkSize = 100_000): BuiltLayer {
  const { bytes, toc } = packedPieces(files, chunkSize, zstdOf)
  const end = zstdOf(Buffer.alloc(2 * BLOCK))
  const table = zstdOf(toc)
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50)
  head.writeUInt32LE(table.length, 4)
  const start = bytes.length + end.length + head.length
  return layerOf(Buffer.concat([bytes, end, head, table]), {
    'io.github.containers.zstd-chunked.manifest-checksum': digestOf(table),
    'io.github.containers.zstd-chunked.manifest-position': `${start}:${table.length}:${toc.length}:1`,
  })
}
