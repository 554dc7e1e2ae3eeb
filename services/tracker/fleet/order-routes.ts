import {
  ORDERS_PATH,
  type OrderPoll,
  orderLimits,
  orderPollSchema,
  PULL_ANSWERS_PATH,
  parseBody,
  pullQuestionLimits,
  toldPullAnswerSchema,
  wireOrder,
} from '../../../lib/api/index.ts'
import { peerIdOf } from '../../../lib/core/index.ts'
import { type Exchange, type Route, readJson, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import type { Announcements } from '../announcements.ts'
import { socketAddress } from '../socket-address.ts'
import type { OrderDesk } from './order-desk.ts'
import type { HostFacts } from './posts.ts'
import type { PullQuestions } from './pull-questions.ts'

export interface OrderRoutesComponents {
  readonly desk: OrderDesk
  readonly pullQuestions: Pick<PullQuestions, 'told'>
  readonly announcements: Pick<Announcements, 'assertNotBanned'>
  /** Fires when the tracker stops: questions that are being kept are answered. */
  readonly end: AbortSignal
}

const hostOf = (address: string, { key, peerId, zone, labels, platform }: OrderPoll): HostFacts => ({
  ...{ id: peerIdOf(key), peerId, address, zone, label: labels?.['host'] || undefined, platform },
})

/** The route to which hosts come for their orders. */
export function orderRoutes({ desk, pullQuestions, announcements, end }: OrderRoutesComponents): readonly Route[] {
  const poll = async (exchange: Exchange) => {
    const address = socketAddress(exchange.req)
    const asked = parseBody(orderPollSchema, await readJson(exchange, orderLimits.maxBodyBytes))
    announcements.assertNotBanned({ peerId: asked.peerId, host: address })
    const answer = await desk.poll(hostOf(address, asked), asked, [exchange.signal, end])
    sendJson(exchange, 200, { ...answer, orders: answer.orders.map(wireOrder) })
  }
  const tell = async (exchange: Exchange) => {
    const body = await readJson(exchange, pullQuestionLimits.maxBodyBytes)
    const { key, ...answer } = parseBody(toldPullAnswerSchema, body)
    pullQuestions.told(peerIdOf(key), answer)
    sendEmpty(exchange, 204)
  }
  return [
    {
      ...{ methods: ['POST'], path: PULL_ANSWERS_PATH, right: 'announce', handle: tell },
      summary: 'a host answers what an admin has asked of its pulls',
    },
    {
      ...{ methods: ['POST'], path: ORDERS_PATH, right: 'announce', handle: poll },
      summary: 'a host tells what became of its orders, and waits for more',
    },
  ]
}
