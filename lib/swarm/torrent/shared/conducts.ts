/** How a peer did as a source of blocks. */
export interface Conduct {
  /** How often it did not give in time what it was asked for; being busy does not count. */
  readonly failures: number
  /** Total time that we waited for the blocks it gave, in milliseconds. */
  readonly costMs: number
}

/** How the peers of one torrent did, until somebody asks. */
export interface Conducts {
  gave(id: string, tookMs: number): void
  late(id: string): void
  /** What was noted since the last call. */
  take(id: string): Conduct
}

const nothing: Conduct = { failures: 0, costMs: 0 }

export function conducts(): Conducts {
  const noted = new Map<string, Conduct>()
  const note = (id: string, { failures, costMs }: Conduct) => {
    const before = noted.get(id) ?? nothing
    noted.set(id, { failures: before.failures + failures, costMs: before.costMs + costMs })
  }
  return {
    gave: (id, tookMs) => note(id, { failures: 0, costMs: tookMs }),
    late: (id) => note(id, { failures: 1, costMs: 0 }),
    take(id) {
      const conduct = noted.get(id) ?? nothing
      noted.delete(id)
      return conduct
    },
  }
}
