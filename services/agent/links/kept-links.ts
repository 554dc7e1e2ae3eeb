import { background, type Clock, keyedLock, type Startable, type Timer } from '../../../lib/base/index.ts'
import { type BlobRef, type Digest, parseRepository, type Repository, repositoryText } from '../../../lib/core/index.ts'
import type { BlobReader, Sidecars } from '../../../lib/store/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { isWithin, type LinkKind, linkKey } from './proof.ts'

/** Links that are remembered for one blob; the one that was proven longest ago goes first. */
const MAX_LINKS = 64
/** A proof is written again when what is on disk is older than this share of the time for which it counts. */
const REWRITE_SHARE = 1 / 24
/** Proofs of blobs that are still on their way into the store; of more the oldest is not kept. */
const MAX_WAITING = 10_000
/** How often it is looked whether they have come, and for how long. */
const LOOK_MS = 1_000
const LONGEST_WAIT_MS = 10 * 60_000

/** A repository links a blob or manifest, as it lies on disk. */
interface KeptLink {
  /** Text form. */
  readonly repository: string
  /** When the build-index was asked, milliseconds since the epoch. */
  readonly provenAtMs: number
  /** Of a manifest its type in this repository, since the same bytes may be another type elsewhere; of a blob nothing. */
  readonly mediaType?: string | undefined
}

/** What `keep` is told. */
export type LinkProof = Pick<KeptLink, 'provenAtMs' | 'mediaType'>

export interface FoundLink extends LinkProof {
  /** Bytes. */
  readonly size: number
}

/** Which link is meant. */
export interface LinkRef extends BlobRef {
  readonly kind: LinkKind
}

/**
 * What this agent has proven of the blobs and manifests that it holds, kept beside each of them, so that it can answer
 * when everything else is down, also after a restart.
 */
export interface KeptLinks extends Startable {
  /** Undefined when nothing was proven within the time. Waits for what is being kept of this digest. */
  find(link: LinkRef): Promise<FoundLink | undefined>
  /**
   * Keeps it in the background, as soon as the blob is in the store, since no answer should wait for the disk. A failure
   * is logged: the blob can be read without it.
   */
  keep(link: BlobRef, proof: LinkProof): void
  /** The repositories of which something was ever proven of the blob, whenever that was. */
  repositoriesOf(digest: Digest): Promise<readonly Repository[]>
  /** The link is gone: forgets what was kept, in the background. */
  drop(link: LinkRef): void
}

interface KeptLinksStore extends Sidecars, Pick<BlobReader, 'stat'> {}

export interface KeptLinksComponents {
  readonly store: KeptLinksStore
  readonly clock: Clock
  readonly logger: Logger
}

export interface KeptLinksInit {
  /** How long a proof counts. */
  readonly ttlMs: number
}

interface Waiting {
  readonly link: LinkRef
  readonly proof: LinkProof
  readonly sinceMs: number
}

const kindOf = ({ mediaType }: Pick<KeptLink, 'mediaType'>): LinkKind => (mediaType === undefined ? 'blob' : 'manifest')
const keyOf = ({ kind, repository, digest }: LinkRef) => linkKey(kind, repository, digest)
const isFor =
  ({ kind, repository }: LinkRef) =>
  (link: KeptLink): boolean =>
    kindOf(link) === kind && link.repository === repositoryText(repository)

/** Its stop keeps what has come, and waits for that. */
export function keptLinks(components: KeptLinksComponents, init: KeptLinksInit): KeptLinks {
  return new Links(components, init)
}

class Links implements KeptLinks {
  readonly #components: KeptLinksComponents
  readonly #ttlMs: number
  readonly #turns = keyedLock()
  /** By `linkKey`, oldest first. */
  readonly #waiting = new Map<string, Waiting>()
  #timer: Timer | undefined
  #tasks = this.#newTasks()

  constructor(components: KeptLinksComponents, { ttlMs }: KeptLinksInit) {
    this.#components = components
    this.#ttlMs = ttlMs
  }

  find(link: LinkRef): Promise<FoundLink | undefined> {
    const { digest } = link
    const { store, clock } = this.#components
    return this.#turns.run(digest, async () => {
      const known = (await this.#linksOf(digest)).find(isFor(link))
      if (known === undefined || !isWithin(clock, known.provenAtMs, this.#ttlMs)) return undefined
      const stored = await store.stat(digest)
      return stored && { provenAtMs: known.provenAtMs, mediaType: known.mediaType, size: stored.size }
    })
  }

  async repositoriesOf(digest: Digest): Promise<readonly Repository[]> {
    const waiting = [...this.#waiting.values()].filter(({ link }) => link.digest === digest)
    const kept = await this.#turns.run(digest, () => this.#linksOf(digest))
    return [
      ...waiting.map(({ link }) => link.repository),
      ...kept.flatMap(({ repository }) => repositoryIn(repository)),
    ]
  }

  keep(blob: BlobRef, proof: LinkProof): void {
    const link = { ...blob, kind: kindOf(proof) }
    const key = keyOf(link)
    this.#waiting.delete(key)
    this.#waiting.set(key, { link, proof, sinceMs: this.#components.clock.monotonicMs() })
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= MAX_WAITING) break
      this.#waiting.delete(oldest)
    }
    this.#tasks.run('keep', () => this.#tryKey(key))
    this.#lookLater()
  }

  drop(link: LinkRef): void {
    this.#waiting.delete(keyOf(link))
    const { digest } = link
    this.#tasks.run('drop', () =>
      this.#turns.run(digest, async () => {
        const links = await this.#linksOf(digest)
        const others = links.filter((each) => !isFor(link)(each))
        if (others.length < links.length) await this.#put(digest, others)
      }),
    )
  }

  async start(): Promise<void> {
    this.#tasks = this.#newTasks()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const key of this.#waiting.keys()) this.#tasks.run('keep', () => this.#tryKey(key))
    await this.#tasks.stop()
    this.#waiting.clear()
  }

  #newTasks() {
    return background((_, err) => this.#components.logger.warn('failed to keep that a blob is linked', { err }))
  }

  #lookLater(): void {
    const { clock } = this.#components
    this.#timer ??= clock.setTimer(
      LOOK_MS,
      () => {
        this.#timer = undefined
        this.#tasks.run('look', async () => {
          for (const key of [...this.#waiting.keys()]) await this.#tryKey(key)
        })
        if (this.#waiting.size > 0) this.#lookLater()
      },
      { background: true },
    )
  }

  /** Keeps what waits under the key, if its blob has come. */
  async #tryKey(key: string): Promise<void> {
    const { clock, store } = this.#components
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return
    const forget = () => {
      if (this.#waiting.get(key) === waiting) this.#waiting.delete(key)
    }
    const { digest } = waiting.link
    if ((await store.stat(digest)) === undefined) {
      if (clock.monotonicMs() - waiting.sinceMs > LONGEST_WAIT_MS) forget()
      return
    }
    // `drop` or a younger proof may have come meanwhile.
    await this.#turns.run(digest, async () => {
      if (this.#waiting.get(key) !== waiting) return
      forget()
      await this.#note(waiting)
    })
  }

  async #note({ link, proof: { provenAtMs, mediaType } }: Waiting): Promise<void> {
    const { repository, digest } = link
    const links = await this.#linksOf(digest)
    const known = links.find(isFor(link))
    const isOld = known === undefined || Math.abs(provenAtMs - known.provenAtMs) > this.#ttlMs * REWRITE_SHARE
    if (!isOld && known.mediaType === mediaType) return
    const fresh: KeptLink = { repository: repositoryText(repository), provenAtMs, mediaType }
    const others = links.filter((each) => each !== known)
    const youngest = [...others, fresh].sort((a, b) => a.provenAtMs - b.provenAtMs).slice(-MAX_LINKS)
    await this.#put(digest, youngest)
  }

  async #linksOf(digest: Digest): Promise<readonly KeptLink[]> {
    const bytes = await this.#components.store.sidecar(digest, 'descriptor')
    return bytes === undefined ? [] : linksIn(bytes)
  }

  #put(digest: Digest, links: readonly KeptLink[]): Promise<void> {
    return this.#components.store.putSidecar(digest, 'descriptor', Buffer.from(JSON.stringify({ links })))
  }
}

/** What cannot be read counts as nothing; so does what earlier agents kept, which did not say when it was proven. */
function linksIn(bytes: Uint8Array): readonly KeptLink[] {
  try {
    const { links } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly links: unknown }
    return Array.isArray(links) ? links.filter(isLink) : []
  } catch {
    return []
  }
}

/** As it lies on disk; nothing when that is the text of none. */
function repositoryIn(text: string): readonly Repository[] {
  try {
    return [parseRepository(text)]
  } catch {
    return []
  }
}

function isLink(value: unknown): value is KeptLink {
  const { repository, provenAtMs, mediaType } = Object(value) as Readonly<Record<string, unknown>>
  const isType = mediaType === undefined || typeof mediaType === 'string'
  return typeof repository === 'string' && Number.isFinite(provenAtMs) && isType
}
