import { type Clock, type CountCache, countCache } from '../../../lib/base/index.ts'
import type { Descriptor } from '../../../lib/core/index.ts'
import { isWithin, type Proof } from './proof.ts'

/** Proofs of each kind that an agent remembers; beyond them the one that was set longest ago is asked for again. */
const MAX_PROOFS = 20_000

export interface ProofBookInit {
  /** How long a proof counts while the build-index answers. */
  readonly linkTtlMs: number
  /** How long it counts while none does. */
  readonly outageTtlMs: number
}

/** A proof for a manifest has what the build-index said of it. */
interface Direct extends Proof {
  readonly manifest?: Descriptor | undefined
}

/** By a manifest that the repository links. */
interface Named extends Proof {
  /** The manifest is proof enough, also while the build-index answers. */
  readonly follows: boolean
}

/** What this agent knows of links, by `linkKey`, until the process ends: a matter of rules, without any question. */
export class ProofBook {
  readonly #clock: Pick<Clock, 'now' | 'monotonicMs'>
  readonly #init: ProofBookInit
  readonly #direct: CountCache<Direct>
  readonly #named: CountCache<Named>

  constructor(clock: Pick<Clock, 'now' | 'monotonicMs'>, init: ProofBookInit) {
    this.#clock = clock
    this.#init = init
    const bounds = { ttlMs: Math.max(init.outageTtlMs, init.linkTtlMs), maxEntries: MAX_PROOFS }
    this.#direct = countCache(clock, bounds)
    this.#named = countCache(clock, bounds)
  }

  prove(key: string, proof: Direct): void {
    this.#direct.set(key, proof)
  }

  /** A manifest with this proof names it. A younger proof stays. */
  name(key: string, named: Named): void {
    const known = this.#named.get(key)
    if (known === undefined || known.askedMs <= named.askedMs) this.#named.set(key, named)
  }

  /** The build-index says that there is no such link. */
  refute(key: string): void {
    this.#direct.delete(key)
    this.#named.delete(key)
  }

  /** The blob may be given without a question. */
  isFresh(key: string): boolean {
    const named = this.#named.get(key)
    return this.#isFresh(this.#direct.get(key)) || (named?.follows === true && this.#isFresh(named))
  }

  /** Something speaks for the link, however old. */
  knows(key: string): boolean {
    return this.#direct.get(key) !== undefined || this.#named.get(key) !== undefined
  }

  /** The blob may be given if no build-index answers. */
  outlasts(key: string): boolean {
    return [this.#direct.get(key), this.#named.get(key)].some((proof) => this.#isLasting(proof))
  }

  /** What the build-index said of a manifest, for when none answers. */
  manifest(key: string): { readonly manifest: Descriptor; readonly proof: Proof } | undefined {
    const proof = this.#direct.get(key)
    if (proof?.manifest === undefined || !this.#isLasting(proof)) return undefined
    return { manifest: proof.manifest, proof }
  }

  #isFresh(proof: Proof | undefined): boolean {
    return proof !== undefined && this.#clock.monotonicMs() - proof.askedMs < this.#init.linkTtlMs
  }

  #isLasting(proof: Proof | undefined): boolean {
    return proof !== undefined && isWithin(this.#clock, proof.askedAtMs, this.#init.outageTtlMs)
  }
}
