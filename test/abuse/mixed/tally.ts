/** What one attacker did, and how it ended. */
export interface Tally {
  readonly acts: number
  /** Answers below 400. */
  readonly answered: number
  /** Answers of 400 and more, by status. */
  readonly refused: Readonly<Record<string, number>>
  /** Connections that ended without an answer, or that could not be opened. */
  readonly cut: number
}

export interface TallyKeeper {
  act(): void
  /** A status of HTTP. */
  answer(status: number): void
  cut(): void
  readonly tally: Tally
}

export function tallyKeeper(): TallyKeeper {
  const counts = { acts: 0, answered: 0, cut: 0 }
  const refused: Record<string, number> = {}
  return {
    act: () => {
      counts.acts += 1
    },
    answer: (status) => {
      if (status < 400) counts.answered += 1
      else refused[status] = (refused[status] ?? 0) + 1
    },
    cut: () => {
      counts.cut += 1
    },
    get tally() {
      return { ...counts, refused: { ...refused } }
    },
  }
}
