import type { TracedPull } from '../../lib/api/index.ts'
import type { Clock, Random } from '../../lib/base/index.ts'
import { type NameOf, PullEntry, type PullRequest } from './traced-pull.ts'

export interface PullLogComponents {
  readonly clock: Clock
  readonly random: Random
}

export interface PullLogInit {
  readonly nameOf: NameOf
  /** Memory for pulls that have ended; the oldest go first. Default 4 MiB. */
  readonly maxBytes?: number
}

/** Which pulls somebody asks for; what is undefined does not matter. */
export interface PullFilter {
  readonly digest?: string | undefined
  readonly repository?: string | undefined
  readonly outcome?: string | undefined
  readonly slowerThanMs?: number | undefined
  readonly sinceMs?: number | undefined
  /** Only those that began before this one. */
  readonly last?: string | undefined
}

/** A pull as its owner tells of it. */
export type OpenPull = Pick<PullEntry, 'trace' | 'found' | 'names' | 'follow'> & {
  /** As it is now, or as it ended. */
  record(): TracedPull
  /** It is over: `done`, `unread`, `left`, or the code of an error; default as the engine says. Idempotent. */
  end(outcome?: string): void
}

/** Memory for the pulls that have ended, and how many are followed at one time: others are not remembered. */
const MAX_LOG_BYTES = 4 * 1024 * 1024
const MAX_RUNNING = 1_024

/**
 * The last pulls of this agent and those under way: a ring in memory, bounded by bytes, which survives nothing. The id
 * of a pull counts up from a random word, so that ids from before a restart are known to no other pull.
 */
export class PullLog {
  readonly #components: PullLogComponents
  readonly #nameOf: NameOf
  readonly #maxBytes: number
  readonly #word: string
  readonly #running = new Map<number, PullEntry>()
  /** By number, oldest first. */
  readonly #ended = new Map<number, PullEntry>()
  #count = 0
  #bytes = 0

  constructor(components: PullLogComponents, { nameOf, maxBytes = MAX_LOG_BYTES }: PullLogInit) {
    this.#components = components
    this.#nameOf = nameOf
    this.#maxBytes = maxBytes
    this.#word = Buffer.from(components.random.bytes(3)).toString('hex')
  }

  /** Follows a pull from now on. */
  begin(request: PullRequest): OpenPull {
    this.#count += 1
    const number = this.#count
    const entry = new PullEntry(this.#components.clock, `${this.#word}-${number}`, request)
    if (this.#running.size < MAX_RUNNING) this.#running.set(number, entry)
    return {
      trace: entry.trace,
      found: (digest) => entry.found(digest),
      names: (blobs) => entry.names(blobs),
      follow: (summary) => entry.follow(summary),
      record: () => entry.record(this.#nameOf),
      end: (outcome) => {
        if (!this.#running.delete(number)) return
        entry.end(outcome)
        this.#keep(number, entry)
      },
    }
  }

  /** Undefined when it was never here, or has been forgotten. */
  get(id: string): TracedPull | undefined {
    const number = this.#numberOf(id)
    return number === undefined ? undefined : this.#record(number)
  }

  /** Those that fit, newest first. */
  *find(filter: PullFilter): Generator<TracedPull> {
    const before = filter.last === undefined ? undefined : this.#numberOf(filter.last)
    const numbers = [...this.#running.keys(), ...this.#ended.keys()].sort((a, b) => b - a)
    for (const number of numbers) {
      if (before !== undefined && number >= before) continue
      const record = this.#record(number)
      if (record !== undefined && fits(record, filter)) yield record
    }
  }

  #record(number: number): TracedPull | undefined {
    return (this.#ended.get(number) ?? this.#running.get(number))?.record(this.#nameOf)
  }

  #numberOf(id: string): number | undefined {
    const [word, digits = ''] = id.split('-')
    return word === this.#word && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined
  }

  #keep(number: number, entry: PullEntry): void {
    this.#ended.set(number, entry)
    this.#bytes += entry.bytes
    for (const [oldest, forgotten] of this.#ended) {
      if (this.#bytes <= this.#maxBytes) return
      this.#ended.delete(oldest)
      this.#bytes -= forgotten.bytes
    }
  }
}

function fits(pull: TracedPull, { digest, repository, outcome, slowerThanMs, sinceMs }: PullFilter): boolean {
  return (
    (digest === undefined || pull.digest === digest || pull.reference === digest) &&
    (repository === undefined || pull.repository === repository) &&
    (outcome === undefined || pull.outcome === outcome) &&
    pull.totalMs > (slowerThanMs ?? -1) &&
    pull.startedAtMs >= (sinceMs ?? Number.NEGATIVE_INFINITY)
  )
}
