import { type BlobSender, type BuildIndex, MAX_ASKED, type ReplicaState } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, hasCode, inTurns, throwIfAborted } from '../../../lib/base/index.ts'
import { type Descriptor, digestHex, type Repository } from '../../../lib/core/index.ts'
import type { Plan } from './plan.ts'
import type { Remote } from './remote.ts'
import type { TagStatus } from './tag-status.ts'

/** Links made at the remote at the same time. */
const LINKS_AT_ONCE = 8

export interface TransferComponents {
  readonly index: BuildIndex
  readonly sender: BlobSender
  /** Part of all work of this cluster that is done here: so much of a remote's bandwidth may be used. */
  readonly share: () => number
  readonly onSent: (remote: string, bytes: number) => void
}

export interface TransferTarget {
  readonly remote: Remote
  readonly repository: Repository
  readonly status: TagStatus
  /** Tries that have failed before: another origin is chosen each time. */
  readonly attempts: number
}

interface Stated extends Descriptor {
  readonly state: ReplicaState
}

/**
 * Brings all of the plan to the remote, and links it there, every child before its parents. What the remote has is not
 * sent again. @throws BLOB_UNKNOWN when no origin here has a blob, and what the remote and its origins answer
 */
export async function bringContent(
  components: TransferComponents,
  target: TransferTarget,
  plan: Plan,
  options: AbortOptions,
): Promise<void> {
  const { status } = target
  const { manifests, blobs } = await statesOf(target, plan, options)
  const all = [...blobs, ...manifests]
  status.change({
    totalBytes: status.now.totalBytes + sum(all),
    doneBytes: status.now.doneBytes + sum(all.filter(({ state }) => state !== 'absent')),
  })
  const absent = all.filter(({ state }) => state === 'absent')
  const sends = absent.map((blob) =>
    target.remote.slots.run(() => sendBlob(components, target, blob, options), options),
  )
  // The others go on when one fails: what they bring need not be sent again.
  const failed = (await Promise.allSettled(sends)).find((sent) => sent.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  const link = async ({ digest, size }: Descriptor) => {
    const known = await components.index.getBlob(target.repository, digest, options)
    await target.remote.index.putBlob(target.repository, { digest, size: known?.size ?? size }, options)
  }
  const unlinked = blobs.filter(({ state }) => state !== 'linked')
  await inTurns(unlinked, LINKS_AT_ONCE, link)
  for (const manifest of manifests.filter(({ state }) => state !== 'linked')) {
    throwIfAborted(options.signal)
    await link(manifest)
    await target.remote.index.putManifest(target.repository, manifest, options)
  }
}

async function statesOf({ remote, repository }: TransferTarget, plan: Plan, options: AbortOptions) {
  const manifests: Stated[] = []
  const blobs: Stated[] = []
  for (let i = 0; i < Math.max(plan.manifests.length, plan.blobs.length); i += MAX_ASKED) {
    const page = {
      manifests: plan.manifests.slice(i, i + MAX_ASKED),
      blobs: plan.blobs.slice(i, i + MAX_ASKED),
    }
    const digests = (list: readonly Descriptor[]) => list.map(({ digest }) => digest)
    const asked = { manifests: digests(page.manifests), blobs: digests(page.blobs), ...options }
    const answer = await remote.replicas.states(repository, asked)
    manifests.push(...stated(page.manifests, answer.manifests))
    blobs.push(...stated(page.blobs, answer.blobs))
  }
  return { manifests, blobs }
}

/** @throws REPLICA_FAILED when the answer is not of the question */
function stated(asked: readonly Descriptor[], states: readonly ReplicaState[]): readonly Stated[] {
  if (asked.length !== states.length)
    throw appError('REPLICA_FAILED', { message: 'the remote did not answer for each digest' })
  return asked.map(({ digest, mediaType, size }, i) => ({ digest, mediaType, size, state: states[i] ?? 'absent' }))
}

const sum = (list: readonly Descriptor[]) => list.reduce((bytes, { size }) => bytes + size, 0)

async function sendBlob(
  { sender, share, onSent }: TransferComponents,
  { remote, repository, status, attempts }: TransferTarget,
  { digest }: Descriptor,
  { signal }: AbortOptions,
): Promise<void> {
  throwIfAborted(signal)
  const { origins } = await remote.describe({ signal })
  const resumed = status.uploadOf(digest)
  const fresh = (Number.parseInt(digestHex(digest).slice(0, 8), 16) + attempts) % Math.max(1, origins.length)
  const origin = origins.find(({ id }) => id === resumed?.origin) ?? origins[fresh]
  if (origin === undefined) throw appError('REPLICA_FAILED', { message: 'the remote names no origin' })
  const upload = origin.id === resumed?.origin ? resumed : undefined
  const rate = remote.bytesPerSecond
  let acknowledged: number | undefined
  let noted = 0
  try {
    const { size } = await sender.send(
      repository,
      digest,
      {
        url: origin.url,
        repository,
        ...(remote.secret !== undefined && { secret: remote.secret }),
        ...(rate !== undefined && { bytesPerSecond: Math.max(1, Math.floor((rate * share()) / remote.concurrency)) }),
        ...(upload && { upload: { id: upload.id, ...(upload.member !== undefined && { member: upload.member }) } }),
      },
      {
        signal,
        onProgress({ upload: { id, member }, sent }) {
          const more = Math.max(0, sent - (acknowledged ?? sent))
          status.setUpload(digest, { origin: origin.id, id, ...(member !== undefined && { member }) })
          status.add(sent - noted, more)
          onSent(remote.name, more)
          acknowledged = sent
          noted = sent
        },
      },
    )
    onSent(remote.name, Math.max(0, size - (acknowledged ?? 0)))
    status.add(size - noted, Math.max(0, size - (acknowledged ?? 0)))
    status.setUpload(digest, undefined)
  } catch (err) {
    status.add(-noted, 0)
    if (!hasCode(err, 'ABORTED')) status.uploadFailed(digest)
    throw err
  }
}
