import { type Order, type OrderId, orderLimits, type Progress, type ToldOrder } from '../../../lib/api/index.ts'
import { abortController, type Background, codeOf, onAbort, type Slots } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { CarryOut } from './carry-out.ts'

export interface OrderTableComponents {
  readonly carryOut: CarryOut
  /** For orders that fetch blobs, and for those that are quick. */
  readonly lanes: { readonly preload: Slots; readonly quick: Slots }
  readonly logger: Logger
  readonly tasks: Pick<Background, 'run'>
  /** An order has ended. */
  readonly onEnded: (order: Order, outcome: 'done' | 'failed') => void
}

/** The orders of one tracker that this host has, until the tracker knows how they have ended. */
export interface OrderTable {
  /** What to tell the tracker. */
  report(): readonly ToldOrder[]
  /** The tracker has heard this: what has ended in it is forgotten. */
  heard(told: readonly ToldOrder[]): void
  /** Begins orders, except those that it has; of one job it has only one at a time. */
  take(orders: readonly Order[]): void
  cancel(orders: readonly OrderId[]): void
  /** Whether some order has not ended. */
  readonly busy: boolean
}

interface Entry {
  readonly order: Order
  readonly cut: AbortController
  /** Resolves when nothing is done for it any more. */
  ended: Promise<void>
  told: ToldOrder
}

const nothing: Progress = { blobs: 0, bytes: 0, doneBlobs: 0, partBlobs: 0, doneBytes: 0 }

export function orderTable(components: OrderTableComponents): OrderTable {
  const entries = new Map<string, Entry>()

  const drop = (entry: Entry) => {
    entry.cut.abort()
    if (entries.get(entry.order.job) === entry) entries.delete(entry.order.job)
  }
  const begin = (order: Order) => {
    const { job, attempt } = order
    const before = entries.get(job)
    if (before?.order.attempt === attempt) return
    if (before !== undefined) drop(before)
    if (entries.size >= orderLimits.maxInHand) return
    const told: ToldOrder = { job, attempt, state: 'inHand', progress: nothing }
    const entry: Entry = { order, cut: abortController(), ended: Promise.resolve(), told }
    entries.set(job, entry)
    components.tasks.run(`order ${job}`, (signal) => {
      const unfollow = onAbort(signal, () => entry.cut.abort(signal.reason))
      entry.ended = carriedOut(components, entry, before?.ended).finally(unfollow)
      return entry.ended
    })
  }

  return {
    report: () => [...entries.values()].map(({ told }) => told),
    heard(told) {
      for (const { job, attempt, state } of told) {
        const entry = entries.get(job)
        if (state !== 'inHand' && entry?.order.attempt === attempt) entries.delete(job)
      }
    },
    take(orders) {
      for (const order of orders) begin(order)
    },
    cancel(orders) {
      for (const { job, attempt } of orders) {
        const entry = entries.get(job)
        if (entry?.order.attempt === attempt) drop(entry)
      }
    },
    get busy() {
      return [...entries.values()].some(({ told }) => told.state === 'inHand')
    },
  }
}

/** Does the order of an entry when the one before it has ended, and its turn has come. */
async function carriedOut(
  { carryOut, lanes, logger, onEnded }: OrderTableComponents,
  entry: Entry,
  before: Promise<void> | undefined,
): Promise<void> {
  const { order, cut } = entry
  const { signal } = cut
  const onProgress = (progress: Progress) => {
    entry.told = { ...entry.told, progress }
  }
  const end = (state: 'done' | 'failed', code?: string) => {
    if (signal.aborted) return
    entry.told = { ...entry.told, state, ...(code !== undefined && { code }) }
    onEnded(order, state)
  }
  try {
    await before
    const lane = order.kind === 'preload' ? lanes.preload : lanes.quick
    await lane.run(() => carryOut(order, { signal, onProgress }), { signal })
    end('done')
  } catch (err) {
    if (!signal.aborted)
      logger.warn('failed to do what a tracker has ordered', { job: order.job, kind: order.kind, err })
    end('failed', codeOf(err) ?? 'UNKNOWN')
  }
}
