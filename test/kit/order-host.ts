import { type Order, type OrdersClient, orderLimits, type ToldOrder } from '../../lib/api/index.ts'
import { codeOf, systemClock } from '../../lib/base/index.ts'
import { peerIdOf } from '../../lib/core/index.ts'
import { allDone, noProgress } from './fleet-lab.ts'

/** A host that speaks the protocol of orders and stores nothing. */
export interface OrderHost extends AsyncDisposable {
  readonly id: string
  /** Orders that it has begun, and those that were taken back while it worked. */
  readonly begun: readonly Order[]
  readonly cancelled: readonly string[]
  /** What it was last refused with. */
  readonly refused: unknown
}

export interface OrderHostInit {
  readonly name: string
  readonly zone?: string
  /** Does an order; it is done when this resolves, and failed with its code when it rejects. */
  readonly work: (order: Order) => Promise<void>
}

/** Between two questions while it works, and after a failure. */
const SOON_MS = 50
const LONG_MS = 30_000
const clock = systemClock()

/** Begins to ask at once, until it is disposed. */
export function orderHost(client: OrdersClient, { name, zone, work }: OrderHostInit): OrderHost {
  const key = `the key of the host ${name}`
  const begun: Order[] = []
  const cancelled: string[] = []
  const hand = new Map<string, ToldOrder>()
  const end = new AbortController()
  let cut = new AbortController()
  let turn = 0
  let refused: unknown

  const begin = (order: Order) => {
    const { job, attempt } = order
    if (hand.get(job)?.attempt === attempt) return
    begun.push(order)
    hand.set(job, { job, attempt, state: 'inHand', progress: noProgress })
    const over = (told: Partial<ToldOrder>) => {
      if (hand.get(job)?.attempt !== attempt) return
      hand.set(job, { job, attempt, state: 'done', progress: allDone, ...told })
      cut.abort()
    }
    work(order).then(
      () => over({}),
      (err: unknown) => over({ state: 'failed', code: codeOf(err) ?? 'UNKNOWN' }),
    )
  }
  const ask = async () => {
    const orders = [...hand.values()].slice(0, orderLimits.maxInHand)
    cut = new AbortController()
    turn += 1
    const identity = { key, peerId: peerIdOf(key), run: name, turn, platform: 'linux/amd64', ...(zone && { zone }) }
    const waitMs = orders.some(({ state }) => state === 'inHand') ? SOON_MS : LONG_MS
    const answer = await client.poll({ ...identity, waitMs, orders }, { signal: cut.signal })
    for (const { job, state } of orders) if (state !== 'inHand') hand.delete(job)
    for (const { job } of answer.cancel) {
      hand.delete(job)
      cancelled.push(job)
    }
    for (const order of answer.orders) begin(order)
  }
  const asking = (async () => {
    while (!end.signal.aborted) {
      await ask().catch(async (err: unknown) => {
        if (cut.signal.aborted) return
        refused = err
        await clock.sleep(SOON_MS, { signal: end.signal }).catch(() => undefined)
      })
    }
  })()
  return {
    id: peerIdOf(key),
    begun,
    cancelled,
    get refused() {
      return refused
    },
    async [Symbol.asyncDispose]() {
      end.abort()
      cut.abort()
      await asking
    },
  }
}
