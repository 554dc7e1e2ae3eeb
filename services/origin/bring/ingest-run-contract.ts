import type { Backends } from '../../../lib/backend/index.ts'
import type { Clock, Random } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import type { BlobRef, Digest } from '../../../lib/core/index.ts'
import type { Hashing } from '../../../lib/metainfo/index.ts'
import type { BlobReader, PartialBlob, StoredBlob } from '../../../lib/store/index.ts'
import type { ArrivingSeed, OnWanted } from '../../../lib/swarm/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { ClaimsHeard } from '../ring/claims-heard.ts'
import type { Claim, Siblings } from '../ring/siblings.ts'
import type { FillPace } from './fill-pace.ts'
import type { Holds } from './holds.ts'
import type { IngestReport } from './ingest-report.ts'
import type { Intake } from './intake.ts'
import type { IntakeSlotStore, Source } from './intake-slot.ts'
import type { Misses } from './misses.ts'
import type { Refusals } from './refusals.ts'
import type { SpareReads } from './spare-reads.ts'

/** The part of the local store that takes the bytes and reads the blob once it is complete. */
export interface IngestRunStore extends IntakeSlotStore, Pick<BlobReader, 'stat' | 'open' | 'lease'> {}

export interface IngestRunComponents {
  readonly store: IngestRunStore
  /** Hashes what comes in. */
  readonly hashing: Hashing
  readonly backends: Pick<Backends, 'backendFor'>
  readonly cluster: Cluster
  readonly siblings: Siblings
  readonly refusals: Refusals
  readonly misses: Misses
  readonly claims: ClaimsHeard
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  /** Counts payload bytes by their source. */
  readonly onReceived: (from: Source, bytes: number) => void
  /** Called when a blob begins to come: what is here of it is given to the swarm, which says what it wants first. */
  readonly seedArriving: (blob: BlobRef, partial: PartialBlob, onWanted: OnWanted) => ArrivingSeed
  /** How what nobody asked for is read. */
  readonly fill: FillPace
  /** Called when a blob has become complete here. */
  readonly onStored: (blob: BlobRef, stored: StoredBlob) => void
}

export interface IngestRunInit {
  readonly memberId: string
  /** Another origin waits for this run: see `claim`. */
  readonly claims: boolean
  readonly inTurn: InTurn
  readonly spare: SpareReads
  /** How long a run goes on that nobody wants: see `Holds`. */
  readonly idleMs: number
  /** Called once, at the moment when the run ends because nobody wants the blob: who comes from now on needs a new run. */
  readonly onUnwanted: () => void
}

/** Does the work when no other run of the digest is under way. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/**
 * Brings one blob into this origin: decides from whom, and in which order. A run waits for no client: it goes on until the
 * blob is whole, or until nobody has wanted it for a while. `Ingest` begins one run for each blob; `Intake` takes the bytes
 * of a run.
 *
 *     follow   the first living owner, unless it is this origin: read from it while it brings the blob
 *     ask      otherwise ask all living origins what they have, and whether one of them reads the backend
 *     follow   the origin that reads the backend, if there is one
 *     read     otherwise read from other origins what they have, and the rest from the backend
 *
 * A source that fails after it gave bytes is tried again; a source that gave none is given up. Each further try begins
 * at the top and keeps the bytes that are here. After the question, only an origin that reads the backend, or that has
 * the prior claim to read it, is followed, and such an origin follows nobody. So no two origins ever wait for each
 * other, whatever they think of each other's health.
 */
export interface IngestRun {
  readonly digest: Digest
  /** @throws what `Ingest.ensure` says */
  readonly done: Promise<StoredBlob>
  /** Who wants the blob. */
  readonly holds: Pick<Holds, 'take' | 'count' | 'over'>
  /** The intake, once the length of the blob is known. */
  readonly intake: Intake | undefined
  /** Whether this run follows the owners no longer. */
  readonly claims: boolean
  /** Whether this run reads the backend. While it only asks, an asker with a smaller id takes the claim over. */
  claimFor(asker: string | undefined): Claim
  /** The intake, for reading the bytes as they come; undefined when the blob was complete before. @throws as `done` */
  opened(): Promise<Intake | undefined>
  /** Another origin waits for this run: from now on it follows an owner only when that owner reads the backend. */
  claim(): void
  /** Nobody wants the blob: as `stop`, unless it is about to be complete; who comes from now on needs a new run. */
  abandon(): void
  /** Ends the run with ABORTED. The bytes that came stay. */
  stop(): void
  /** How it is at this moment. */
  report(): Omit<IngestReport, 'id'>
}
