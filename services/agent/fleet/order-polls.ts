import type {
  OrderPoll,
  OrdersClient,
  PullQuestion,
  Steered,
  SteeringReport,
  SteeringWord,
  ToldOrder,
} from '../../../lib/api/index.ts'
import {
  abortController,
  type BackoffPolicy,
  backoffMs,
  type Clock,
  hasCode,
  isAbort,
  onAbort,
  type Random,
  rounds,
  type Startable,
} from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { OrderTable } from './order-table.ts'

/** How long a tracker may wait for an order: at random, so that the questions of all hosts spread out. */
const WAIT_MS = { least: 20_000, more: 10_000 }
/** While it works, the tracker hears this often how far it is. */
const WORK_MS = 2_000
/** Quick orders have ended by then, and are told with the next question. */
const QUICK_MS = 100
/** Waits between questions to a tracker that does not answer. */
const AWAY: BackoffPolicy = { baseMs: 1_000, maxMs: 30_000, attempts: Number.POSITIVE_INFINITY }
/**
 * A tracker of a version without orders, or one that refuses this host, is asked this often: well within
 * `fleet.gather`, after which a job for all hosts takes those that are known.
 */
const RARELY_MS = 30_000
const REFUSED_MS = 30_000

/** What a question says of this host. */
export type HostFacts = Pick<OrderPoll, 'key' | 'peerId' | 'zone' | 'labels' | 'platform' | 'shoal'>

export interface OrderPollsComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly client: Pick<OrdersClient, 'poll'>
  /** The orders of this tracker; `onChanged` is called when one of them has ended. */
  readonly table: (onChanged: () => void) => OrderTable
  /** Known when it starts. */
  readonly facts: () => HostFacts
  /** Answers what an admin asks of the pulls of this host. */
  readonly onQuestion: (question: PullQuestion) => void
  /** Takes the settings that come with the answers. */
  readonly steered: TrackerSteering
}

/** The settings of this host, as one tracker sees them. */
export interface TrackerSteering extends Pick<Steered, 'report'> {
  hear(asked: SteeringReport, word: SteeringWord | undefined): void
}

/** Asks one tracker for orders all the time. Its start waits for nothing. */
export function orderPolls(components: OrderPollsComponents): Startable {
  const { clock, random, logger, client, facts, steered, onQuestion } = components
  let cut: AbortController | undefined
  const table = components.table(() => {
    cut?.abort()
    asking.ask()
  })
  const run = Buffer.from(random.bytes(8)).toString('hex')
  let turn = 0
  let failures = 0

  const ask = async (signal: AbortSignal): Promise<number> => {
    const orders = table.report()
    const waitMs = table.busy ? WORK_MS : WAIT_MS.least + Math.round(random.next() * WAIT_MS.more)
    turn += 1
    const steering = steered.report()
    const poll = { ...facts(), run, turn, waitMs, steering, orders: [...orders] }
    const answer = await unlessRefused(client.poll(poll, { signal }), orders, { table, logger })
    failures = 0
    steered.hear(steering, answer.steering)
    for (const question of answer.questions ?? []) onQuestion(question)
    table.heard(orders)
    table.cancel(answer.cancel)
    table.take(answer.orders)
    return answer.orders.length === 0 ? answer.againMs : Math.max(answer.againMs, QUICK_MS)
  }
  const later = (err: unknown): number => {
    failures += 1
    const level = failures === 1 ? 'warn' : 'debug'
    if (hasCode(err, 'NOT_FOUND', 'METHOD_NOT_ALLOWED')) {
      logger.debug('the tracker has no orders: it is of an earlier version', {})
      return RARELY_MS
    }
    logger[level]('failed to ask a tracker for orders', { err })
    return hasCode(err, 'UNAUTHORIZED', 'DENIED', 'HOST_BANNED')
      ? REFUSED_MS
      : AWAY.baseMs / 2 + backoffMs(AWAY, failures, random)
  }
  const asking = rounds(clock, {
    async work(signal) {
      const own = abortController()
      const unfollow = onAbort(signal, () => own.abort(signal.reason))
      cut = own
      try {
        return await ask(own.signal)
      } catch (err) {
        if (own.signal.aborted && isAbort(err)) return 0
        return later(err)
      } finally {
        cut = undefined
        unfollow()
      }
    },
    onFailure: (err) => logger.error('background task failed', { task: 'orders', err }),
    retryMs: AWAY.maxMs,
  })
  return asking
}

/** What a tracker does not understand is dropped, since it would refuse everything further too. */
async function unlessRefused<T>(
  answer: Promise<T>,
  told: readonly ToldOrder[],
  { table, logger }: { readonly table: Pick<OrderTable, 'cancel'>; readonly logger: Logger },
): Promise<T> {
  try {
    return await answer
  } catch (err) {
    if (hasCode(err, 'BODY_INVALID') && told.length > 0) {
      logger.error('a tracker refuses what it is told of orders; they are dropped', { orders: told })
      table.cancel(told)
    }
    throw err
  }
}
