import { Readable } from 'node:stream'
import { type AbortOptions, isAbort, type TokenBucket, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import { type BlobInspection, type KeptBlob, pacedRead } from '../../../lib/store/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { BlobNames } from '../blob-names.ts'
import type { Siblings } from '../ring/siblings.ts'

export interface CopyToComponents {
  readonly store: Pick<BlobInspection, 'look' | 'peek'>
  readonly cluster: Cluster
  readonly names: Pick<BlobNames, 'of'>
  readonly siblings: Pick<Siblings, 'put'>
  readonly logger: Logger
  readonly onCopied: (outcome: 'ok' | 'failed', bytes: number) => void
}

/** Gives a member a copy of a blob that is here, no faster than `pace`; whether the member has it now. @throws ABORTED */
export async function copyTo(
  { store, names, siblings, cluster, logger, onCopied }: CopyToComponents,
  member: Member,
  blob: KeptBlob,
  { pace, signal }: AbortOptions & { readonly pace: TokenBucket },
): Promise<boolean> {
  const { digest, size } = blob
  const [repository] = await names.of(digest)
  const body = Readable.from(pacedRead(store, blob, { pace, signal }), { objectMode: false })
  try {
    await siblings.put(member, { digest, repository }, { size, body }, { signal })
    cluster.report(member.id, 'ok')
    onCopied('ok', size)
    logger.info('handed a blob over', { digest, member: member.id, bytes: size })
    return true
  } catch (err) {
    if (isAbort(err)) throwIfAborted(signal)
    reportFailure(cluster, member, err)
    onCopied('failed', 0)
    logger.warn('failed to hand a blob over', { digest, member: member.id, err })
    return false
  } finally {
    body.destroy()
  }
}
