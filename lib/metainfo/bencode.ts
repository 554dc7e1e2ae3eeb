import bencode from 'bencode'
import { appError } from '../base/index.ts'

/** A decoded bencode value. Byte strings stay bytes; dictionary keys become text. */
export type BencodeValue = number | Uint8Array | readonly BencodeValue[] | BencodeDictionary
export interface BencodeDictionary {
  readonly [key: string]: BencodeValue
}

/** A value that can be encoded: text is written as UTF-8; an undefined dictionary entry is omitted. */
export type BencodeInput =
  | number
  | string
  | Uint8Array
  | readonly BencodeInput[]
  | { readonly [key: string]: BencodeInput | undefined }

export interface BencodeLimits {
  /** Longer input is refused without reading it. */
  readonly maxBytes: number
  /** Maximum nesting of lists and dictionaries; default 8. */
  readonly maxDepth?: number
}

const DEFAULT_DEPTH = 8
/** Number of digits of 2^53 - 1; a number cannot hold a longer one exactly. */
const MAX_DIGITS = 16

const CODE = {
  colon: 0x3a,
  dictionary: 0x64,
  end: 0x65,
  integer: 0x69,
  list: 0x6c,
  minus: 0x2d,
  zero: 0x30,
  nine: 0x39,
}

const invalid = (message: string, at: number) => appError('BENCODE_INVALID', { message, detail: { at } })

/** One pass over the bytes; each step moves `at` forward, so the time is linear in the input. */
class Checker {
  readonly #bytes: Uint8Array
  readonly #maxDepth: number
  at = 0

  constructor(bytes: Uint8Array, maxDepth: number) {
    this.#bytes = bytes
    this.#maxDepth = maxDepth
  }

  value(depth: number): void {
    const code = this.#bytes[this.at]
    if (code === CODE.integer) this.#integer()
    else if (code === CODE.list) this.#list(depth + 1)
    else if (code === CODE.dictionary) this.#dictionary(depth + 1)
    else this.#string()
  }

  #integer(): void {
    const start = this.at
    this.at += 1
    const negative = this.#bytes[this.at] === CODE.minus
    if (negative) this.at += 1
    const value = this.#digits()
    if (negative && value === 0) throw invalid('minus zero is not canonical', start)
    this.#expect(CODE.end)
  }

  #digits(): number {
    const start = this.at
    let value = 0
    for (let digit = this.#digit(); digit >= 0; digit = this.#digit()) {
      value = value * 10 + digit
      this.at += 1
      if (this.at - start > MAX_DIGITS || !Number.isSafeInteger(value)) throw invalid('the number is too large', start)
    }
    if (this.at === start) throw invalid('a digit is missing', start)
    if (this.at - start > 1 && this.#bytes[start] === CODE.zero) throw invalid('leading zeros are not canonical', start)
    return value
  }

  #digit(): number {
    const code = this.#bytes[this.at]
    return code === undefined || code < CODE.zero || code > CODE.nine ? -1 : code - CODE.zero
  }

  #expect(code: number): void {
    if (this.#bytes[this.at] !== code) throw invalid(`'${String.fromCharCode(code)}' is missing`, this.at)
    this.at += 1
  }

  #string(): Uint8Array {
    const start = this.at
    const length = this.#digits()
    this.#expect(CODE.colon)
    if (length > this.#bytes.length - this.at) throw invalid('the string is longer than the input', start)
    const text = this.#bytes.subarray(this.at, this.at + length)
    this.at += length
    return text
  }

  #enter(depth: number): void {
    if (depth > this.#maxDepth) throw invalid('lists and dictionaries are nested too deeply', this.at)
    this.at += 1
  }

  #list(depth: number): void {
    this.#enter(depth)
    while (this.#bytes[this.at] !== CODE.end) this.value(depth)
    this.at += 1
  }

  #dictionary(depth: number): void {
    this.#enter(depth)
    let previous: Uint8Array | undefined
    while (this.#bytes[this.at] !== CODE.end) {
      const start = this.at
      const key = this.#string()
      if (previous !== undefined && Buffer.compare(previous, key) >= 0) {
        throw invalid('the keys of a dictionary must be sorted and unique', start)
      }
      if (isProto(key)) throw invalid('this key cannot be used', start)
      this.value(depth)
      previous = key
    }
    this.at += 1
  }
}

const PROTO = Buffer.from('__proto__')

/** `__proto__` would set the prototype of the decoded object instead of a field. */
function isProto(key: Uint8Array): boolean {
  return key.length === PROTO.length && Buffer.compare(key, PROTO) === 0
}

/**
 * Accepts exactly one canonical bencoded value: numbers without leading zeros and within 2^53 - 1, sorted and unique
 * keys, no bytes after it. It runs before the library, which accepts truncated and negative lengths and never returns
 * from `l-3:`. Linear time, no allocation.
 * @throws BENCODE_INVALID
 */
export function checkBencode(bytes: Uint8Array, limits: BencodeLimits): void {
  if (bytes.length > limits.maxBytes) throw invalid(`the text is longer than ${limits.maxBytes} bytes`, limits.maxBytes)
  const checker = new Checker(bytes, limits.maxDepth ?? DEFAULT_DEPTH)
  checker.value(0)
  if (checker.at !== bytes.length) throw invalid('bytes follow the value', checker.at)
}

/** Checks, then decodes. A key that is not UTF-8 is given as hex. @throws BENCODE_INVALID */
export function decodeBencode(bytes: Uint8Array, limits: BencodeLimits): BencodeValue {
  checkBencode(bytes, limits)
  return bencode.decode(bytes) as BencodeValue
}

/** True when a decoded value is a dictionary. */
export function isBencodeDictionary(value: BencodeValue | undefined): value is BencodeDictionary {
  return typeof value === 'object' && !Array.isArray(value) && !ArrayBuffer.isView(value)
}

/** Canonical bencoding. @throws BENCODE_INVALID for a number that is not a safe integer. */
export function encodeBencode(value: BencodeInput): Uint8Array {
  checkNumbers(value)
  return bencode.encode(value)
}

/** The library would round other numbers and print its own warning. */
function checkNumbers(value: BencodeInput | undefined): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value))
      throw appError('BENCODE_INVALID', { message: 'only whole numbers can be encoded' })
  } else if (typeof value === 'object' && !ArrayBuffer.isView(value)) {
    for (const entry of Object.values(value)) checkNumbers(entry)
  }
}
