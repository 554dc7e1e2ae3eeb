/** Files of tests by the end of their paths. */
export const long: readonly string[]

export default class Sequencer {
  constructor(options: object)
  sort<T>(tests: readonly T[]): T[]
}
