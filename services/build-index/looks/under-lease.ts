import {
  type AbortOptions,
  type AppError,
  abortable,
  deadline,
  deferred,
  type Random,
} from '../../../lib/base/index.ts'
import { type Lease, type LeasesComponents, type LeasesInit, leases } from '../replication/leases.ts'

/** Of the time of a lease: when it is not had by then, somebody else holds it. */
const PATIENCE = 1.5

export interface UnderLeaseInit extends Pick<LeasesInit, 'place' | 'leaseMs'> {
  /** What is thrown when another one holds the lease. */
  readonly busy: () => AppError
}

/**
 * Takes a lease that there is once in a cluster, does the work, and gives the lease back.
 * @throws what `busy` makes, ABORTED, and what `work` throws
 */
export async function underLease(
  components: LeasesComponents,
  { busy, ...init }: UnderLeaseInit,
  work: (lease: Lease) => Promise<void>,
  { signal }: AbortOptions,
): Promise<void> {
  const { clock, random } = components
  const [taken, ended] = [deferred(), deferred()]
  const life = leases(components, {
    ...{ ...init, holder: nonce(random), shards: 1 },
    async work(lease) {
      taken.resolve()
      await work(lease).then(ended.resolve, ended.reject)
    },
  })
  const patience = deadline(clock, init.leaseMs * PATIENCE, signal)
  try {
    await life.start()
    await abortable(taken.promise, patience.signal).catch((err: unknown) => {
      throw patience.expired ? busy() : err
    })
    patience.release()
    await abortable(ended.promise, signal)
  } finally {
    patience.release()
    await life.stop()
  }
}

/** A name that nobody else has. */
export const nonce = (random: Random): string => Buffer.from(random.bytes(12)).toString('hex')
