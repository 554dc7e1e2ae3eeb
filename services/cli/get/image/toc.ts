import { parseJson } from '../../../../lib/base/index.ts'
import { type Digest, parseDigest } from '../../../../lib/core/index.ts'
import { type ImagePath, imagePath } from './image-path.ts'
import type { EntryKind, LayerEntry } from './layer-index.ts'
import { MAX_TOC_VALUES } from './limits.ts'

/** Part of a file as it lies in its layer. */
export interface TocChunk {
  /** Where in the file it begins, and how many bytes of it this is. */
  readonly from: number
  readonly size: number
  /** The bytes of the layer that have it, packed. */
  readonly start: number
  readonly end: number
  /** So many unpacked bytes stand before it. */
  readonly before: number
  /** Of its unpacked bytes; undefined for a hole, which is all zeros. */
  readonly digest: Digest | undefined
}

export interface TocItem {
  readonly path: ImagePath
  readonly entry: LayerEntry
  /** Of a file: all of it, in order. */
  readonly chunks: readonly TocChunk[]
}

/** As the table says it. */
interface Row {
  readonly name: string
  readonly type: string
  readonly size: number
  readonly linkName: string
  readonly offset: number
  readonly endOffset: number
  readonly innerOffset: number
  readonly chunkOffset: number
  readonly chunkSize: number
  readonly chunkType: string
  readonly digest: string
}

const KINDS: Readonly<Record<string, EntryKind>> = {
  reg: 'file',
  dir: 'folder',
  symlink: 'symlink',
  hardlink: 'hardlink',
  char: 'special',
  block: 'special',
  fifo: 'special',
}

/**
 * The entries of a table of contents as eStargz and zstd:chunked write it (docs/estargz.md of stargz-snapshotter;
 * pkg/chunked of containers/storage). Undefined when it is not whole or has no digest of a chunk: then it proves nothing.
 * @param end where in the layer the table begins, and so the last chunk ends at the latest
 */
export function tocItems(json: Uint8Array, end: number): readonly TocItem[] | undefined {
  try {
    return itemsOf(rowsIn(parseJson(Buffer.from(json).toString(), MAX_TOC_VALUES)), end)
  } catch {
    return undefined
  }
}

const odd = () => new TypeError('not a table of contents')

function rowsIn(value: unknown): readonly Row[] {
  const { entries } = value as { readonly entries?: unknown }
  if (!Array.isArray(entries)) throw odd()
  return entries.map((entry: unknown) => rowOf(entry as Readonly<Record<string, unknown>>))
}

function rowOf(fields: Readonly<Record<string, unknown>>): Row {
  const text = (name: string) => {
    const value = fields[name] ?? ''
    if (typeof value !== 'string') throw odd()
    return value
  }
  const count = (name: string) => {
    const value = fields[name] ?? 0
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw odd()
    return value
  }
  const type = text('type')
  return {
    ...{ type, name: text('name'), linkName: text('linkName'), chunkType: text('chunkType'), size: count('size') },
    ...{ offset: count('offset'), endOffset: count('endOffset'), innerOffset: count('innerOffset') },
    ...{ chunkOffset: count('chunkOffset'), chunkSize: count('chunkSize') },
    digest: text('chunkDigest') || (count('chunkSize') === 0 && type === 'reg' ? text('digest') : ''),
  }
}

function itemsOf(rows: readonly Row[], end: number): readonly TocItem[] {
  const ends = boundaries(rows, end)
  const items: (TocItem & { readonly chunks: TocChunk[] })[] = []
  for (const row of rows) {
    const last = items.at(-1)
    if (row.type === 'chunk') {
      if (last?.entry.kind !== 'file') throw odd()
      last.chunks.push(chunkOf(row, last.entry.size, ends))
      continue
    }
    const kind = KINDS[row.type]
    if (kind === undefined) throw odd()
    const size = kind === 'file' ? row.size : 0
    const entry = { kind, size, at: items.length, ...(row.linkName !== '' && { target: row.linkName }) }
    items.push({ path: imagePath(row.name), entry, chunks: size === 0 ? [] : [chunkOf(row, size, ends)] })
  }
  for (const { entry, chunks } of items) checkWhole(entry.size, chunks)
  return items
}

/** Where packed bytes begin or end, in order. */
function boundaries(rows: readonly Row[], end: number): Float64Array {
  const all = new Set([end])
  for (const { offset, endOffset } of rows) {
    all.add(offset)
    if (endOffset > 0) all.add(endOffset)
  }
  return Float64Array.from(all).sort()
}

function chunkOf(row: Row, fileSize: number, ends: Float64Array): TocChunk {
  const size = row.chunkSize || fileSize - row.chunkOffset
  const digest = row.chunkType === 'zeros' ? undefined : parseDigest(row.digest)
  const end = firstAbove(ends, row.offset)
  return { from: row.chunkOffset, size, start: row.offset, end, before: row.innerOffset, digest }
}

function firstAbove(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) > value) high = middle
    else low = middle + 1
  }
  const found = sorted[low]
  if (found === undefined) throw odd()
  return found
}

function checkWhole(size: number, chunks: readonly TocChunk[]): void {
  let at = 0
  for (const chunk of chunks) {
    if (chunk.from !== at || chunk.size <= 0) throw odd()
    at += chunk.size
  }
  if (at !== size) throw odd()
}
