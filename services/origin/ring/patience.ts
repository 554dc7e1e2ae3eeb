import { type AbortOptions, type BackoffPolicy, hasCode, type RetryComponents, retry } from '../../../lib/base/index.ts'

/** How long, and how often, an origin is asked what it has of a blob before it counts as having nothing. */
export interface Patience extends BackoffPolicy {
  /** Longest wait for one answer, milliseconds; undefined: that of any question. */
  readonly withinMs: number | undefined
  /** How often it may say nothing at all. */
  readonly silences: number
}

/** An origin whose calls have failed of late is given so long, milliseconds, as all wait for its answer. */
const OUT_MS = 500

/** What is known of an origin that may be asked. */
export interface Asked {
  /** Its calls have not failed of late. */
  readonly isHealthy: boolean
  /** It has said that it reads the blob from the backend. */
  readonly hasClaimed: boolean
}

/**
 * The patience of an origin that is about to read the backend. An answer that is lost may cost a read of the whole blob: so a
 * question that breaks is asked again, and more often where the blob is known to be read.
 */
export function patienceWith({ isHealthy, hasClaimed }: Asked): Patience {
  if (hasClaimed) return { attempts: 5, silences: 3, baseMs: 100, maxMs: 1_000, withinMs: undefined }
  return { attempts: 2, silences: 1, baseMs: 50, maxMs: 50, withinMs: isHealthy ? undefined : OUT_MS }
}

export interface PatientOptions extends AbortOptions {
  readonly patience: Patience
}

/**
 * Asks as often as the patience lets it. Where a connection is refused nobody listens, so nobody reads there either.
 * @throws what the last question has failed with
 */
export function askPatiently<T>(
  components: RetryComponents,
  ask: () => Promise<T>,
  { patience, signal }: PatientOptions,
): Promise<T> {
  let silences = 0
  const again = (err: unknown) => {
    if (hasCode(err, 'REQUEST_TIMEOUT')) silences += 1
    return silences < patience.silences && !hasCode(err, 'DIGEST_REFUSED') && !isRefused(err)
  }
  return retry(components, patience, ask, { again, signal })
}

/** No process listens at the address. */
function isRefused(err: unknown): boolean {
  return hasCode((err as { readonly cause?: unknown } | undefined)?.cause, 'ECONNREFUSED')
}
