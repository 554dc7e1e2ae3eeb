import { isAppError } from '../../../base/index.ts'

/** How a peer did as a source of blocks. */
export interface Conduct {
  /** How often it did not give in time what it was asked for; being busy does not count. */
  readonly failures: number
  /** Total time that we waited for the blocks it gave, in milliseconds. */
  readonly costMs: number
  /** It gave wrong bytes: nothing that it gave counts. */
  readonly lied: boolean
}

/** How the peers of one torrent did, until somebody asks. */
export interface Conducts {
  gave(id: string, tookMs: number): void
  late(id: string): void
  lied(id: string): void
  /** Of whom something was noted that nobody has asked for. */
  ids(): readonly string[]
  /** What was noted since the last call. */
  take(id: string): Conduct
}

const nothing: Conduct = { failures: 0, costMs: 0, lied: false }
/** Peers that notes are kept of. */
const MAX_NOTED = 1_000

interface Noted extends Conduct {
  failures: number
  costMs: number
  lied: boolean
}

export function conducts(): Conducts {
  return new Notes()
}

class Notes implements Conducts {
  readonly #noted = new Map<string, Noted>()

  gave(id: string, tookMs: number): void {
    this.#of(id).costMs += tookMs
  }

  late(id: string): void {
    this.#of(id).failures += 1
  }

  lied(id: string): void {
    this.#of(id).lied = true
  }

  ids(): readonly string[] {
    return [...this.#noted.keys()]
  }

  take(id: string): Conduct {
    const noted = this.#noted.get(id) ?? nothing
    this.#noted.delete(id)
    return noted
  }

  #of(id: string): Noted {
    const known = this.#noted.get(id)
    if (known !== undefined) return known
    const noted = { failures: 0, costMs: 0, lied: false }
    for (const oldest of this.#noted.keys()) {
      if (this.#noted.size < MAX_NOTED) break
      this.#noted.delete(oldest)
    }
    this.#noted.set(id, noted)
    return noted
  }
}

/** Waits for the dial of a peer. A full peer hangs up; only one that is not there has failed. */
export async function noteUnreachable<T>(noted: Conducts, id: string, dial: Promise<T>): Promise<T> {
  try {
    return await dial
  } catch (err) {
    if (isAppError(err) && err.detail?.['unreachable'] === true) noted.late(id)
    throw err
  }
}
