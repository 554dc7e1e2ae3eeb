import { setFlagsFromString } from 'node:v8'

/** Bytes of bytecode that a function runs before V8 optimises it; V8's own value is 67,584. */
const BYTECODE_BUDGET = 1_000_000

/**
 * Lets V8 optimise only what is really hot; to be called before the work begins. A node pulls for seconds, then idles:
 * with V8's own budget its compiler threads took a third of the CPU of a pull (docs/decisions/0028-late-compilation.md).
 */
export function optimiseLate(): void {
  setFlagsFromString(`--interrupt-budget=${BYTECODE_BUDGET}`)
}
