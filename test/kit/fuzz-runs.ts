import type { Parameters } from 'fast-check'

/**
 * How many cases of a property with random requests are tried. `RUNS=100000` in the environment is the long form, `SEED=7`
 * chooses other cases; both are printed then.
 * @param usual cases in CI, which take a second or two
 * @param share of the cases of the long form, for a property of which one case is many requests; default all
 */
export function fuzzRuns(what: string, usual: number, share = 1): Pick<Parameters<unknown>, 'seed' | 'numRuns'> {
  const [RUNS, SEED] = [process.env['RUNS'], process.env['SEED']]
  const seed = Number(SEED ?? 20_261_127)
  if (RUNS === undefined && SEED === undefined) return { seed, numRuns: usual }
  const numRuns = RUNS === undefined ? usual : Math.ceil(Number(RUNS) * share)
  process.stdout.write(`${what}: ${numRuns} cases, seed ${seed}\n`)
  return { seed, numRuns }
}

/** Time limit of a test with such a property: none to speak of in the long form. */
export const FUZZ_MS = process.env['RUNS'] === undefined ? 180_000 : 4 * 60 * 60_000
