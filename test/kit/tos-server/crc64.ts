/** CRC-64 of ECMA-182, reflected (CRC-64/XZ), which TOS sends as a decimal number; simple and slow. */

const POLYNOMIAL_HIGH = 0xc96c5795
const POLYNOMIAL_LOW = 0xd7870f42

const high = new Uint32Array(256)
const low = new Uint32Array(256)

for (let index = 0; index < 256; index += 1) {
  let upper = 0
  let lower = index
  for (let bit = 0; bit < 8; bit += 1) {
    const odd = (lower & 1) === 1
    lower = (lower >>> 1) | ((upper & 1) << 31)
    upper >>>= 1
    if (odd) {
      upper ^= POLYNOMIAL_HIGH
      lower ^= POLYNOMIAL_LOW
    }
  }
  high[index] = upper
  low[index] = lower
}

export function crc64Ecma(bytes: Uint8Array): bigint {
  let upper = 0xffffffff
  let lower = 0xffffffff
  for (const byte of bytes) {
    const index = (lower ^ byte) & 0xff
    lower = ((lower >>> 8) | (upper << 24)) ^ (low[index] ?? 0)
    upper = (upper >>> 8) ^ (high[index] ?? 0)
  }
  return (BigInt(~upper >>> 0) << 32n) | BigInt(~lower >>> 0)
}
