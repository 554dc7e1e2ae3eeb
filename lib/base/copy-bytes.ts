const WORD_BYTES = 8
const STEP_BYTES = 64 * 1024
const step = Buffer.allocUnsafeSlow(STEP_BYTES + WORD_BYTES)

/**
 * Copies `from` to the beginning of `into`. V8 copies into shared memory byte by byte when the two ends do not lie alike
 * within a word, nine times as slow as otherwise: then the bytes take a step in between that lies as `into` does.
 */
export function copyBytes(into: Uint8Array, from: Uint8Array): void {
  const shift = into.byteOffset % WORD_BYTES
  const direct = !(into.buffer instanceof SharedArrayBuffer) || from.byteOffset % WORD_BYTES === shift
  if (direct) {
    into.set(from)
    return
  }
  for (let at = 0; at < from.length; at += STEP_BYTES) {
    const part = from.subarray(at, at + STEP_BYTES)
    step.set(part, shift)
    into.set(step.subarray(shift, shift + part.length), at)
  }
}
