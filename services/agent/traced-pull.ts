import type { PullRow, TracedPull } from '../../lib/api/index.ts'
import type { Clock } from '../../lib/base/index.ts'
import { type Digest, type PullTerms, type Repository, repositoryText } from '../../lib/core/index.ts'
import { type NamedSource, type PullSummary, type PullTrace, RecordedTrace } from '../../lib/swarm/index.ts'

/** What somebody asked the agent for. */
export interface PullRequest {
  readonly kind: TracedPull['kind']
  readonly repository: Repository
  /** A tag or a digest. */
  readonly reference: string
  /** It waits for a build-index first. Default: only a lookup does. */
  readonly asksFirst?: boolean
  /** On which terms; default: as usual. */
  readonly terms?: PullTerms | undefined
}

/** What a manifest names. */
export type NamedBlob = TracedPull['names'][number]

/** Blobs kept of one manifest. */
const MAX_NAMED = 256
/** An estimate of the memory of a pull: itself, and each row of what it waited for, got from peers, and named. */
const ENTRY_BYTES = { itself: 1_200, row: 200 }
const NO_BYTES = { peer: 0, origin: 0, http: 0, cache: 0 } as const

/** The name of an origin, where it can be told from the address of its peer. */
export type NameOf = (source: NamedSource) => string | undefined

/** One pull while it is remembered: first with its trace, and as a fixed record once it has ended. */
export class PullEntry {
  readonly id: string
  readonly trace: PullTrace
  readonly #request: PullRequest
  readonly #clock: Clock
  readonly #recorded: RecordedTrace
  readonly #startedAtMs: number
  readonly #startMs: number
  #digest: Digest | undefined
  #names: readonly NamedBlob[] = []
  #summary: () => Partial<PullSummary> = () => ({})
  #outcome = 'running'
  #totalMs: number | undefined

  constructor(clock: Clock, id: string, request: PullRequest) {
    this.id = id
    this.#clock = clock
    this.#request = request
    const { kind, asksFirst = kind === 'lookup' } = request
    this.#recorded = new RecordedTrace(clock, asksFirst ? 'lookup' : 'disk')
    this.trace = this.#recorded
    this.#startedAtMs = clock.now()
    this.#startMs = clock.monotonicMs()
  }

  /** What the tag or the digest stands for. */
  found(digest: Digest): void {
    this.#digest = digest
  }

  /** The content is a manifest, and names these. */
  names(blobs: readonly NamedBlob[]): void {
    this.#names = blobs.slice(0, MAX_NAMED)
  }

  /** What the engine says of it from now on. */
  follow(summary: () => PullSummary): void {
    this.#summary = summary
  }

  /** It is over, with this outcome or as the engine says: from now on nothing changes, and nothing of the pull itself is held. */
  end(outcome?: string): void {
    const last = this.#summary()
    this.#recorded.stop()
    this.#outcome = outcome ?? last.outcome ?? 'done'
    this.#totalMs = this.#clock.monotonicMs() - this.#startMs
    this.#summary = () => last
  }

  /** About how much memory it takes. */
  get bytes(): number {
    const { sources = [] } = this.#summary()
    return ENTRY_BYTES.itself + ENTRY_BYTES.row * (this.#recorded.size + sources.length + this.#names.length)
  }

  /** As it is now, or as it ended. */
  record(nameOf: NameOf): TracedPull {
    const { waits, longest } = this.#recorded.report()
    const named = <T extends { readonly from?: NamedSource }>({ from, ...wait }: T) => ({
      ...wait,
      ...(from && { from: withName(from, nameOf) }),
    })
    const { sources = [], lastStepFailed } = this.#summary()
    const own = waits.find(({ cause }) => cause !== 'client')
    return {
      ...this.#facts(),
      ...(own && { longestWait: named({ cause: own.cause, ms: own.ms, ...(own.from && { from: own.from }) }) }),
      ...(lastStepFailed !== undefined && { lastStepFailed }),
      waits: waits.map(named),
      longest: longest.map(named),
      sources: sources.map(({ bytesPerSecond, ...source }) => ({
        ...withName(source, nameOf),
        ...(bytesPerSecond !== undefined && { bytesPerSecond: Math.round(bytesPerSecond) }),
      })),
      names: this.#names,
    }
  }

  #facts(): Omit<PullRow, 'longestWait'> {
    const { kind, reference, repository, terms } = this.#request
    const { size, bytes = NO_BYTES, firstByteMs, digest = this.#digest } = this.#summary()
    return {
      ...{ id: this.id, kind, repository: repositoryText(repository), reference, startedAtMs: this.#startedAtMs },
      class: terms?.pullClass ?? 'normal',
      ...(terms?.application !== undefined && { application: terms.application }),
      ...(digest !== undefined && { digest }),
      ...(size !== undefined && { size }),
      ...(firstByteMs !== undefined && { firstByteMs }),
      totalMs: this.#totalMs ?? this.#clock.monotonicMs() - this.#startMs,
      outcome: this.#outcome,
      bytes,
    }
  }
}

function withName<S extends NamedSource>(source: S, nameOf: NameOf): S & { readonly name?: string } {
  const name = nameOf(source)
  return name === undefined ? source : { ...source, name }
}

/** A pull as the list shows it. */
export function rowOf({
  lastStepFailed: _,
  waits: _w,
  longest: _l,
  sources: _s,
  names: _n,
  ...row
}: TracedPull): PullRow {
  return row
}
