import { type ByteRange, rangeLength } from '../core/index.ts'

/** What a `Range` header asks for, given the size of the content. */
export type RangeRequest =
  | { readonly kind: 'whole' }
  | { readonly kind: 'single'; readonly range: ByteRange }
  /**
   * The header names two or more ranges. Those that the content has bytes of, in the order of the header, at least one;
   * they may touch or overlap.
   */
  | { readonly kind: 'several'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'unsatisfiable' }
  /** More ranges than anybody needs, or more bytes than the content has. */
  | { readonly kind: 'excessive' }

/** As many ask clients of partial layers for in one header (zstd:chunked). */
export const MAX_RANGES = 1024
const WHOLE: RangeRequest = { kind: 'whole' }

/** Parses one `a-b`, `a-` or `-n`: its bytes, `empty` when the content has none of them, undefined when malformed. */
const parseOne = (text: string, size: number): ByteRange | 'empty' | undefined => {
  const match = /^(\d*)\s*-\s*(\d*)$/.exec(text)
  const first = match?.[1] ?? ''
  const last = match?.[2] ?? ''
  if (first === '' && last === '') return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  return start < end ? { start, end } : 'empty'
}

/**
 * Parses a `Range` header. A missing or malformed header, or another unit, asks for the whole. A range without any byte,
 * such as one past the end or with its ends swapped, cannot be satisfied. The ranges of one header together may be as
 * long as the content, so that a short request never makes a longer answer than a plain one (RFC 9110, 17.15).
 */
export function parseRange(header: string | undefined, size: number): RangeRequest {
  const specs = /^\s*bytes\s*=(.*)$/i.exec(header ?? '')?.[1]?.split(',') ?? []
  if (specs.length === 0) return WHOLE
  if (specs.length > MAX_RANGES) return { kind: 'excessive' }
  const parsed = specs.map((spec) => parseOne(spec.trim(), size))
  const ranges: ByteRange[] = []
  for (const one of parsed) {
    if (one === undefined) return WHOLE
    if (one !== 'empty') ranges.push(one)
  }
  const [range] = ranges
  if (range === undefined) return { kind: 'unsatisfiable' }
  if (specs.length === 1) return { kind: 'single', range }
  const asked = ranges.reduce((sum, each) => sum + rangeLength(each), 0)
  return asked > size ? { kind: 'excessive' } : { kind: 'several', ranges }
}

/** `Content-Range` of an answer with a part of content of `size` bytes. */
export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.end - 1}/${size}`
}

/** `Content-Range` of a 416 answer. */
export function unsatisfiedContentRange(size: number): string {
  return `bytes */${size}`
}

export interface ContentRange {
  /** Undefined for the form that has no range. */
  readonly range: ByteRange | undefined
  /** Size of the whole content; undefined when the sender does not know it. */
  readonly size: number | undefined
}

/**
 * Parses a `Content-Range` as HTTP writes it, `bytes a-b/size`, or as registry uploads do, `a-b`. Undefined when it is
 * missing or contradicts itself.
 */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^\s*(?:bytes\s+)?(?:(\d+)-(\d+)|\*)(?:\/(?:(\d+)|\*))?\s*$/i.exec(header ?? '')
  if (match === null) return undefined
  const [, first, last, whole] = match
  const size = whole === undefined ? undefined : Number(whole)
  if (first === undefined || last === undefined) return size === undefined ? undefined : { range: undefined, size }
  const range = { start: Number(first), end: Number(last) + 1 }
  const sane = range.start < range.end && range.end <= (size ?? Number.MAX_SAFE_INTEGER)
  return sane ? { range, size } : undefined
}
