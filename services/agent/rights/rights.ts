import type { CallerReads, Upstreams } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, type Clock, hasCode, singleFlight } from '../../../lib/base/index.ts'
import type { Descriptor, Digest, Repository } from '../../../lib/core/index.ts'
import type { Reference } from '../../../lib/registry/index.ts'
import type { GuardedEntry } from '../../../lib/service/index.ts'
import type { Claim, Proofs } from './proofs.ts'

/** Counts what became of the questions to registries whether a client may read. */
export type CountProof = (outcome: 'given' | 'refused' | 'failed') => void

export interface RightsComponents {
  readonly upstreams: Pick<Upstreams, 'at'>
  readonly proofs: Proofs
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly count: CountProof
}

/** Whose right, and at which registry. */
export interface Asking {
  readonly entry: GuardedEntry
  readonly repository: Repository
  /** What the client shows. */
  readonly shown: string | undefined
}

/** What a registry has said to the caller: that he may, of which `held` was remembered; or undefined, there is no such thing. */
export type Said<T> = 'held' | T | undefined

/**
 * Whether a caller may read in a repository of a registry that decides that itself. The registry is asked for what the
 * caller wants, in the name of the caller, before anything of this cluster is looked at: so whoever may not gets its
 * answer, whatever is here. Methods: @throws UNAUTHORIZED, DENIED, UPSTREAM_UNREACHABLE, ABORTED, what a registry fails with
 */
export interface Rights {
  /** A manifest is shown to who may read the repository, and so proves that for the whole of it. */
  manifest(asking: Asking, reference: Reference, options?: AbortOptions): Promise<Said<Descriptor>>
  /** Its size. A blob that is shown proves nothing for others: some registries show blobs to whoever knows their digest. */
  blob(asking: Asking, digest: Digest, options?: AbortOptions): Promise<Said<number>>
  /** The registry as the caller sees it. */
  reads(asking: Asking): CallerReads
}

/** How every media type of a manifest begins. */
const MANIFEST_TYPES = 'application/vnd.'

export function rights({ upstreams, proofs, clock, count }: RightsComponents): Rights {
  const questions = singleFlight<string, unknown>()

  const reads: Rights['reads'] = ({ entry, repository, shown }) => {
    const upstream = upstreams.at(repository.registry)
    if (upstream === undefined) throw appError('UNKNOWN', { message: 'no rule for a registry that has an identity' })
    return upstream.as(entry.identity === 'publicOnly' ? { kind: 'nobody' } : { kind: 'client', shown })
  }
  const claimOf = ({ entry, repository, shown }: Asking): Claim => ({
    shown: entry.identity === 'publicOnly' ? undefined : shown,
    repository,
  })

  /** Callers who show the same share one question. */
  const asked = async <T>(
    claim: Claim,
    { entry, about, look }: { readonly entry: GuardedEntry; readonly about: string; readonly look: Look<T> },
    options: AbortOptions,
  ): Promise<T | undefined> => {
    const ask = async (signal: AbortSignal): Promise<T | undefined> => {
      const askedMs = clock.monotonicMs()
      try {
        const found = await look(signal)
        if (found !== undefined) proofs.keep(claim, { askedMs, forMs: entry.proofFor })
        count(found === undefined ? 'refused' : 'given')
        return found
      } catch (err) {
        const isRefused = hasCode(err, 'UNAUTHORIZED', 'DENIED')
        count(isRefused ? 'refused' : 'failed')
        // Whoever is nobody cannot log in: to him there is nothing.
        if (isRefused && entry.identity === 'publicOnly') return undefined
        throw err
      }
    }
    const name = `${proofs.nameOf(claim)} ${about}`
    return (await questions.run(name, ask, { signal: options.signal })) as T | undefined
  }

  return {
    reads,
    async manifest(asking, reference, options = {}) {
      const claim = claimOf(asking)
      if (proofs.holds(claim)) return 'held'
      const about = reference.kind === 'tag' ? reference.tag : reference.digest
      const look = async (signal: AbortSignal) => {
        const found = await reads(asking).repository(asking.repository.name).manifests.describe(about, { signal })
        return found?.mediaType.startsWith(MANIFEST_TYPES) === true ? found : undefined
      }
      return asked(claim, { entry: asking.entry, about: `manifest ${about}`, look }, options)
    },
    async blob(asking, digest, options = {}) {
      const whole = claimOf(asking)
      const claim = { ...whole, blob: digest }
      if (proofs.holds(whole) || proofs.holds(claim)) return 'held'
      const look = (signal: AbortSignal) =>
        reads(asking).repository(asking.repository.name).blobs.size(digest, { signal })
      return asked(claim, { entry: asking.entry, about: 'blob', look }, options)
    },
  }
}

type Look<T> = (signal: AbortSignal) => Promise<T | undefined>
