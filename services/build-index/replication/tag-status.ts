import type { Replication, ReplicationUpload } from '../../../lib/api/index.ts'
import type { Clock } from '../../../lib/base/index.ts'
import { type Digest, repositoryText } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { HeldStatuses, ReplicationTarget } from './status.ts'

/** Pause between two writes of a status while bytes are sent. */
const SAVE_MS = 3_000
/**
 * An upload that did not go on for so long is given up when it fails again: its origin may be gone for good. Until then
 * it is waited for, so that nothing is sent twice when that origin only restarts.
 */
const GIVE_UP_MS = 60_000

export const newStatus = ({ remote, repository, tag }: ReplicationTarget, nowMs: number): Replication => ({
  ...{ remote, repository: repositoryText(repository), tag, state: 'waiting', attempts: 0, updatedAtMs: nowMs },
  ...{ doneBytes: 0, totalBytes: 0, sentBytes: 0, bytesPerSecond: 0, uploads: [] },
})

export interface TagStatusComponents {
  readonly statuses: Pick<HeldStatuses, 'set'>
  readonly clock: Clock
  readonly logger: Logger
}

/** Uploads that are remembered: a status must stay a small record. Those begun longest ago are forgotten, and begin anew. */
const MAX_UPLOADS = 64

/** Manifests declare sizes as they like, so that a sum of them may be more than a status can be read with. */
const countable = (bytes: number) => Math.min(Math.max(0, bytes), Number.MAX_SAFE_INTEGER)

/** The status with counts that can be read again. */
const withCounts = (status: Replication): Replication => ({
  ...status,
  doneBytes: countable(status.doneBytes),
  totalBytes: countable(status.totalBytes),
  sentBytes: countable(status.sentBytes),
  bytesPerSecond: countable(status.bytesPerSecond),
})

/** The status of one replication while it runs; written now and then, and when it matters. */
export class TagStatus {
  readonly #components: TagStatusComponents
  readonly #target: ReplicationTarget
  #status: Replication
  #saving: Promise<void> = Promise.resolve()
  #savedMs: number
  #rate: { readonly sinceMs: number; readonly sentBytes: number }

  constructor(components: TagStatusComponents, target: ReplicationTarget, status: Replication) {
    this.#components = components
    this.#target = target
    this.#status = status
    this.#savedMs = components.clock.monotonicMs()
    this.#rate = { sinceMs: this.#savedMs, sentBytes: status.sentBytes }
  }

  get now(): Replication {
    return this.#status
  }

  uploadOf(digest: Digest): ReplicationUpload | undefined {
    return this.#status.uploads.find((upload) => upload.digest === digest)
  }

  /** The upload was begun or has gone on; without one it is over. */
  setUpload(digest: Digest, upload: Omit<ReplicationUpload, 'digest' | 'movedAtMs'> | undefined): void {
    const before = this.uploadOf(digest)
    const others = this.#status.uploads.filter((each) => each.digest !== digest)
    this.#status = {
      ...this.#status,
      uploads:
        upload === undefined
          ? others
          : [...others.slice(1 - MAX_UPLOADS), { digest, ...upload, movedAtMs: this.#components.clock.now() }],
    }
    if (upload !== undefined && before?.id !== upload.id) this.#saveSoon()
  }

  uploadFailed(digest: Digest): void {
    const before = this.#components.clock.now() - GIVE_UP_MS
    const isKept = (upload: ReplicationUpload) => upload.digest !== digest || upload.movedAtMs > before
    this.#status = { ...this.#status, uploads: this.#status.uploads.filter(isKept) }
  }

  /** More bytes are at the remote; `sent` of them were sent just now. */
  add(done: number, sent: number): void {
    const { doneBytes, sentBytes } = this.#status
    this.change({ doneBytes: doneBytes + done, sentBytes: sentBytes + sent })
    if (this.#components.clock.monotonicMs() - this.#savedMs >= SAVE_MS) this.#saveSoon()
  }

  change(changed: Partial<Replication>): void {
    this.#status = withCounts({ ...this.#status, ...changed })
  }

  /** Returns when the status is written, or could not be. */
  save(): Promise<void> {
    this.#saveSoon()
    return this.#saving
  }

  #saveSoon(): void {
    const { clock, statuses, logger } = this.#components
    const nowMs = clock.monotonicMs()
    const spanMs = nowMs - this.#rate.sinceMs
    const sentBytes = this.#status.sentBytes - this.#rate.sentBytes
    const bytesPerSecond = spanMs > 0 ? Math.round((sentBytes * 1000) / spanMs) : 0
    this.change({ bytesPerSecond, updatedAtMs: clock.now() })
    this.#rate = { sinceMs: nowMs, sentBytes: this.#status.sentBytes }
    this.#savedMs = nowMs
    const status = this.#status
    this.#saving = this.#saving
      .then(() => statuses.set(this.#target, status))
      .catch((err: unknown) => logger.debug('the status of a replication was not written', { err }))
  }
}
