import { type Order, type OrderAnswer, type OrderPoll, orderLimits } from '../../../lib/api/index.ts'
import { type Clock, deferred, onAbort, type Random } from '../../../lib/base/index.ts'
import type { SteeringDesk } from '../steering/steering-desk.ts'
import type { JobRun } from './job-run.ts'
import type { Jobs } from './jobs.ts'
import type { HostFacts, Posts, Seat } from './posts.ts'
import type { PullQuestions } from './pull-questions.ts'

/** When a host whose question is not kept should ask again; at random up to twice as long. */
const LATER_MS = 15_000
/** The same for a host that works: it has to say how far it is. */
const BUSY_MS = 2_000
/** Blobs of the orders in one answer, beyond which no further order is added. */
const MANY_ITEMS = 2_000

const nothing: OrderAnswer = { orders: [], cancel: [], againMs: 0 }

export interface OrderDeskComponents {
  readonly clock: Pick<Clock, 'setTimer'>
  readonly random: Random
  readonly posts: Posts
  readonly jobs: Pick<Jobs, 'open' | 'hearing'>
  /** What admins ask of the pulls of hosts. */
  readonly pullQuestions: Pick<PullQuestions, 'take'>
  /** What hosts hear of their settings. */
  readonly steeringDesk: Pick<SteeringDesk, 'heard' | 'for'>
}

/** Where hosts come for their orders. */
export interface OrderDesk {
  /**
   * Takes what a host says, and answers when there is something for it to do, at the latest after the time that it
   * gives. A later question of the same host, and each of the signals, end the wait.
   * @throws JOURNAL_UNAVAILABLE when the end of an order could not be kept: it must be told again
   */
  poll(host: HostFacts, poll: OrderPoll, signals: readonly AbortSignal[]): Promise<OrderAnswer>
}

export function orderDesk({ clock, random, posts, jobs, pullQuestions, steeringDesk }: OrderDeskComponents): OrderDesk {
  /** Orders that it should go on with, by their job. */
  const wanted = (host: HostFacts, { orders }: OrderPoll) => {
    const inHand = orders.filter(({ state }) => state === 'inHand')
    const open = jobs.open()
    const isWanted = ({ job, attempt }: (typeof inHand)[number]) =>
      open.some((run) => run.job.id === job && run.wants(host.id, attempt))
    return { open, inHand, kept: inHand.filter(isWanted), cancel: inHand.filter((order) => !isWanted(order)) }
  }

  /**
   * For a question that is not kept. One that was followed by another is read by nobody, unless two hosts have one key, as
   * copies of a disk have; they must not chase each other.
   */
  const later = (ms = LATER_MS): OrderAnswer => ({ ...nothing, againMs: Math.round(ms * (1 + random.next())) })

  /** Undefined when there is nothing to say. */
  const answerNow = (host: HostFacts, poll: OrderPoll): OrderAnswer | undefined => {
    const { open, inHand, kept, cancel } = wanted(host, poll)
    const orders: Order[] = []
    let preloads = open.filter(({ job }) => job.kind === 'preload' && kept.some((order) => order.job === job.id)).length
    let items = 0
    for (const run of open) {
      if (inHand.length + orders.length >= orderLimits.maxInHand || items > MANY_ITEMS) break
      const fetches = run.job.kind === 'preload'
      if (fetches && preloads >= orderLimits.maxPreloads) continue
      const order = run.take(host)
      if (order === undefined) continue
      orders.push(order)
      items += order.items.length
      if (fetches) preloads += 1
    }
    const questions = [...pullQuestions.take(host.id)]
    const said = orders.length + cancel.length + questions.length
    if (said === 0 && steeringDesk.for(host, poll)?.isNews !== true) return undefined
    const unwanted = cancel.map(({ job, attempt }) => ({ job, attempt }))
    return { orders, cancel: unwanted, ...(questions.length > 0 && { questions }), againMs: 0 }
  }

  const answered = async (host: HostFacts, poll: OrderPoll, signals: readonly AbortSignal[]): Promise<OrderAnswer> => {
    const seat = posts.heard(host, poll)
    if (seat === undefined) return later()
    steeringDesk.heard(host, poll)
    for (const run of jobs.hearing()) {
      const told = poll.orders.filter(({ job }) => job === run.job.id)
      await run.heard(host, told)
    }
    if (!seat.isLast()) return later()
    const now = answerNow(host, poll)
    if (now !== undefined || poll.waitMs === 0 || signals.some(({ aborted }) => aborted))
      return isKept(jobs, now ?? nothing)
    if (!posts.hasRoom) {
      const answer = later(poll.orders.some(({ state }) => state === 'inHand') ? BUSY_MS : LATER_MS)
      seat.sendAway(answer.againMs)
      return answer
    }
    const question = { seat, signals, waitMs: poll.waitMs, later, answer: () => answerNow(host, poll) }
    return isKept(jobs, await kept(clock, question))
  }
  return {
    async poll(host, poll, signals) {
      const answer = await answered(host, poll, signals)
      const steering = steeringDesk.for(host, poll)?.word
      return steering === undefined ? answer : { ...answer, steering }
    },
  }
}

/** The host hears of its orders when it is kept that it has them. */
async function isKept(jobs: Pick<Jobs, 'open'>, answer: OrderAnswer): Promise<OrderAnswer> {
  const isGiven = ({ job }: JobRun) => answer.orders.some((order) => order.job === job.id)
  await Promise.all(
    jobs
      .open()
      .filter(isGiven)
      .map((run) => run.given()),
  )
  return answer
}

interface KeptQuestion {
  readonly seat: Seat
  readonly signals: readonly AbortSignal[]
  readonly waitMs: number
  /** The answer when there is something to say. */
  readonly answer: () => OrderAnswer | undefined
  /** The answer when another question has come. */
  readonly later: () => OrderAnswer
}

/** Waits for an answer. */
async function kept(
  clock: Pick<Clock, 'setTimer'>,
  { seat, signals, waitMs, ...question }: KeptQuestion,
): Promise<OrderAnswer> {
  const answer = deferred<OrderAnswer>()
  let isOver = false
  const end = (given: OrderAnswer) => {
    isOver = true
    answer.resolve(given)
  }
  const offer = () => {
    const given = isOver ? undefined : question.answer()
    if (given !== undefined) end(given)
  }
  const leave = () => end(nothing)
  const release = seat.keep({ offer, end: () => end(question.later()) })
  const timer = clock.setTimer(waitMs, leave, { background: true })
  const waits = signals.map((signal) => onAbort(signal, leave))
  try {
    return await answer.promise
  } finally {
    for (const takeBack of waits) takeBack()
    timer.cancel()
    release()
  }
}
