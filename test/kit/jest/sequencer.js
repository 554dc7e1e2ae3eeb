import TestSequencer from '@jest/test-sequencer'

/** What usually takes long comes first: at the end, workers with short files wait little for each other. */
const projects = ['chaos', 'e2e', 'integration', 'abuse', 'interop', 'contract', 'property', 'unit']
/** Small files that run for long: alone at the end, workers would wait for them. */
export const long = ['interop/manager/postgres.test.ts']
const rankOf = ({ context, path }) =>
  long.some((file) => path.endsWith(file)) ? -1 : projects.indexOf(context.config.displayName?.name)

/** Jest knows how long a file took before; on a fresh clone, it would begin with the largest file. */
export default class Sequencer extends TestSequencer {
  sort(tests) {
    const sorted = super.sort(tests)
    if (sorted.some(({ duration }) => duration !== undefined)) return sorted
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b))
  }
}
