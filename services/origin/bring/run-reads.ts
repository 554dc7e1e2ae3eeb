/** A read that is under way; one that waits for the rate of the fill; one that rests, as the backend has asked for. */
export type ReadStep = 'read' | 'rate' | 'rest'

/** The reads of one run that are under way. Those that wait or rest are under way, too. */
export interface RunReads {
  /** One more, until the result is called; once. */
  begin(step: ReadStep): () => void
  count(step: ReadStep): number
}

export function runReads(): RunReads {
  const counts = { read: 0, rate: 0, rest: 0 }
  return {
    begin(step) {
      counts[step] += 1
      return () => {
        counts[step] -= 1
      }
    },
    count: (step) => counts[step],
  }
}
