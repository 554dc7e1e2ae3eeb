import { z } from 'zod'
import type { AbortOptions } from '../base/index.ts'
import { repositoryText } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, sendForJson, sendForNothing } from './answer.ts'
import { list, table, text } from './bounded.ts'
import { jobKinds, MAX_ORDER_ITEMS, platformTextSchema, progressSchema } from './fleet-jobs.ts'
import { PULL_ANSWERS_PATH, pullQuestionLimits, pullQuestionSchema, type ToldPullAnswer } from './pull-questions.ts'
import { byteCountSchema, digestSchema, peerIdSchema, repositorySchema } from './schemas.ts'
import { steeringReportSchema, steeringWordSchema } from './steering-words.ts'
import { announceLimits } from './tracker.ts'

/** Limits of the protocol by which hosts fetch their orders; docs/limits.md gives the reasons. */
export const orderLimits = {
  /** Orders of one tracker that a host has at the same time, those included whose end the tracker has not heard of. */
  maxInHand: 8,
  /** Of them, those that fetch blobs. */
  maxPreloads: 2,
  /** Longest time that a tracker keeps a question without an answer. */
  maxWaitMs: 60_000,
  maxBodyBytes: 64 * 1024,
  /** Beyond `waitMs`, the longest wait of a host for an answer. */
  graceMs: 10_000,
} as const

/** Path of the tracker to which hosts come for their orders; docs/endpoints.md has a row. */
export const ORDERS_PATH = '/orders'

const nameSchema = text(255).min(1)
const orderId = { job: text(64), attempt: z.number().int().min(0) }
const orderIdSchema = z.object(orderId)
/** An order is one try of one job at one host. */
export type OrderId = z.output<typeof orderIdSchema>

const toldSchema = z.object({
  ...orderId,
  /** `inHand`: it waits, or is being done. */
  state: z.enum(['inHand', 'done', 'failed']),
  code: text(64).exactOptional(),
  progress: progressSchema,
})
/** What a host says of an order that it has. */
export type ToldOrder = z.output<typeof toldSchema>

/** A host that asks for orders, and says what became of those that it has. Its address is that of the socket. */
export const orderPollSchema = z.object({
  /** Random text that stays the same over restarts of the host; its id is made from it, so that nobody else can have it. */
  key: text(255).min(16),
  /** As in the announces of this run. */
  peerId: peerIdSchema,
  /** Questions of one run have rising turns. */
  run: text(64),
  turn: z.number().int().min(0),
  zone: nameSchema.exactOptional(),
  labels: table(text(255), { max: announceLimits.maxLabels, maxKey: 255 }).exactOptional(),
  platform: platformTextSchema,
  /** The version of shoal that it runs. */
  shoal: text(64).exactOptional(),
  /** Which settings it runs; absent from those that take none. */
  steering: steeringReportSchema.exactOptional(),
  /** How long the tracker may wait for an order before it answers. */
  waitMs: z.number().int().min(0).max(orderLimits.maxWaitMs),
  orders: list(toldSchema, orderLimits.maxInHand),
})
export type OrderPoll = z.output<typeof orderPollSchema>

const itemSchema = z.object({
  digest: digestSchema,
  /** Absent when nobody knows it. */
  size: byteCountSchema.exactOptional(),
  /** Of a manifest. */
  mediaType: text(255).exactOptional(),
})
/** One blob or manifest of an order. */
export type OrderItem = z.output<typeof itemSchema>

const orderSchema = z.object({
  ...orderId,
  kind: z.enum(jobKinds),
  /** Where the blobs can be pulled from; absent when that is not needed. */
  repository: repositorySchema.exactOptional(),
  items: list(itemSchema, MAX_ORDER_ITEMS),
})
export type Order = z.output<typeof orderSchema>

export const orderAnswerSchema = z.object({
  orders: list(orderSchema, orderLimits.maxInHand),
  /** Orders that the host has and the tracker wants no more. */
  cancel: list(orderIdSchema, orderLimits.maxInHand),
  /** Which settings it should run, when they are not those that it has told of. */
  steering: steeringWordSchema.exactOptional(),
  /** What admins ask of its pulls; absent when nothing. */
  questions: list(pullQuestionSchema, pullQuestionLimits.maxAsked).exactOptional(),
  /** The host should wait so long before it asks again. */
  againMs: z.number().int().min(0),
})
export type OrderAnswer = z.output<typeof orderAnswerSchema>

/** An order as it goes over the wire. */
export const wireOrder = ({ repository, ...order }: Order) =>
  repository === undefined ? order : { ...order, repository: repositoryText(repository) }

/** Asks one tracker for orders. */
export interface OrdersClient {
  /** @throws NOT_FOUND when the tracker is of a version without orders, and the errors of the HTTP client */
  poll(poll: OrderPoll, options?: AbortOptions): Promise<OrderAnswer>
  /** Answers what was asked of pulls. @throws the errors of the HTTP client */
  tell(answer: ToldPullAnswer, options?: AbortOptions): Promise<void>
}

/** `url` is the tracker's base URL without a trailing slash. */
export function ordersClient(http: HttpClient, url: string): OrdersClient {
  return {
    poll: (poll, { signal } = {}) =>
      sendForJson(
        http,
        {
          ...{ method: 'POST', url: url + ORDERS_PATH, signal, ...jsonBody(poll) },
          headersTimeoutMs: poll.waitMs + orderLimits.graceMs,
        },
        { schema: orderAnswerSchema },
      ),
    async tell(answer, { signal } = {}) {
      await sendForNothing(http, { method: 'POST', url: url + PULL_ANSWERS_PATH, signal, ...jsonBody(answer) })
    },
  }
}
