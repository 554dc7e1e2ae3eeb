/**
 * CRC-64 of ECMA-182 in its reflected form (CRC-64/XZ), as in the header `x-tos-hash-crc64ecma`. Processes eight bytes
 * at a time, with a table for each; a 64-bit value is kept as two halves of 32 bits, because bigints are slow.
 */

const POLYNOMIAL = 0xc96c5795d7870f42n
const SLICES = 8

/** Row `slice` has 256 entries: the effect of a byte on the value when `slice` more bytes follow it. */
const high = new Int32Array(SLICES * 256)
const low = new Int32Array(SLICES * 256)

function advanceByte(value: bigint): bigint {
  let next = value
  for (let bit = 0; bit < 8; bit += 1) next = (next & 1n) === 1n ? (next >> 1n) ^ POLYNOMIAL : next >> 1n
  return next
}

for (let index = 0; index < 256; index += 1) {
  let value = BigInt(index)
  for (let slice = 0; slice < SLICES; slice += 1) {
    value = advanceByte(value)
    high[slice * 256 + index] = Number(value >> 32n) | 0
    low[slice * 256 + index] = Number(value & 0xffffffffn) | 0
  }
}

/** A checksum that grows with the bytes it is given. */
export interface Crc64 {
  update(bytes: Uint8Array): void
  /** The checksum of all bytes so far. */
  value(): bigint
}

export function crc64(): Crc64 {
  let upper = -1
  let lower = -1

  /** The byte at `index` of the eight bytes that are folded into the value. */
  const fold = (word: number, at: number, slice: number) => ((word >>> at) & 0xff) + slice * 256

  return {
    update(bytes) {
      const whole = bytes.length - (bytes.length % 8)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      for (let at = 0; at < whole; at += 8) {
        const first = lower ^ view.getInt32(at, true)
        const second = upper ^ view.getInt32(at + 4, true)
        let nextUpper = 0
        let nextLower = 0
        for (let byte = 0; byte < 4; byte += 1) {
          const early = fold(first, byte * 8, 7 - byte)
          const late = fold(second, byte * 8, 3 - byte)
          nextUpper ^= (high[early] as number) ^ (high[late] as number)
          nextLower ^= (low[early] as number) ^ (low[late] as number)
        }
        upper = nextUpper
        lower = nextLower
      }
      for (let at = whole; at < bytes.length; at += 1) {
        const index = (lower ^ (bytes[at] as number)) & 0xff
        lower = ((lower >>> 8) | (upper << 24)) ^ (low[index] as number)
        upper = (upper >>> 8) ^ (high[index] as number)
      }
    },
    value: () => (BigInt(~upper >>> 0) << 32n) | BigInt(~lower >>> 0),
  }
}

/** The checksum of some bytes. */
export function crc64Of(bytes: Uint8Array): bigint {
  const sum = crc64()
  sum.update(bytes)
  return sum.value()
}

/** The checksum of two concatenated runs of bytes, from the checksums of both and the length of the second. */
export function combinedCrc64(first: bigint, second: bigint, secondLength: number): bigint {
  return multiplied(powerOfX(8n * BigInt(secondLength)), first) ^ second
}

/** Multiplies polynomials modulo that of the CRC; the highest bit is the power 0. */
function multiplied(a: bigint, b: bigint): bigint {
  let product = 0n
  let shifted = b
  for (let bit = 1n << 63n; bit !== 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) product ^= shifted
    shifted = (shifted & 1n) === 1n ? (shifted >> 1n) ^ POLYNOMIAL : shifted >> 1n
  }
  return product
}

function powerOfX(exponent: bigint): bigint {
  let result = 1n << 63n
  let square = 1n << 62n
  for (let left = exponent; left !== 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = multiplied(result, square)
    square = multiplied(square, square)
  }
  return result
}
