import { expect, test } from '@jest/globals'
import {
  noSteering,
  type OrderAnswer,
  type OrderPoll,
  type SteeringReport,
  type ToldOrder,
} from '../../../../lib/api/index.ts'
import { abortable, appError, deferred, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { peerIdOf } from '../../../../lib/core/index.ts'
import { recordingLogger } from '../../../../lib/telemetry/index.ts'
import { orderPolls } from '../../../../services/agent/fleet/order-polls.ts'

const nothing: OrderAnswer = { orders: [], cancel: [], againMs: 0 }
const noReport: SteeringReport = {
  ...{ version: noSteering, hash: '', state: 'applied', runs: 0 },
  health: { done: 0, failed: 0, stalled: 0 },
}
const progress = { blobs: 0, bytes: 0, doneBlobs: 0, partBlobs: 0, doneBytes: 0 }

/** Polls of a tracker that answers as the test says; without an answer it keeps the question. */
function polls() {
  const clock = fakeClock()
  const asked: OrderPoll[] = []
  const heard: string[] = []
  const questions: string[] = []
  const cancelled: string[] = []
  const answers: (OrderAnswer | Error)[] = []
  let orders: ToldOrder[] = []
  let changed: () => void = () => undefined
  const logger = recordingLogger()
  const asking = orderPolls({
    ...{ clock, random: seededRandom(4), logger },
    client: {
      async poll(poll, { signal } = {}) {
        asked.push(poll)
        const answer = answers.shift()
        if (answer === undefined) return abortable(deferred<OrderAnswer>().promise, signal)
        if (answer instanceof Error) throw answer
        return answer
      },
    },
    table(onChanged) {
      changed = onChanged
      return {
        report: () => orders,
        heard: (told) => heard.push(...told.map(({ job, state }) => `${job} ${state}`)),
        take: (given) => {
          orders = given.map(({ job, attempt }) => ({ job, attempt, state: 'inHand', progress }))
        },
        cancel(unwanted) {
          cancelled.push(...unwanted.map(({ job }) => job))
          orders = orders.filter(({ job }) => !unwanted.some((each) => each.job === job))
        },
        get busy() {
          return orders.some(({ state }) => state === 'inHand')
        },
      }
    },
    onQuestion: ({ id }) => questions.push(id),
    steered: { report: () => noReport, hear: () => undefined },
    facts: () => ({ key: 'k'.repeat(48), peerId: peerIdOf('k'), platform: 'linux/amd64' }),
  })
  return {
    ...{ clock, asked, heard, questions, cancelled, answers, logger, asking },
    end(job: string) {
      orders = [{ job, attempt: 0, state: 'done', progress }]
      changed()
    },
  }
}

test('an order that has ended is told at once, although the tracker keeps a question', async () => {
  const it = polls()
  it.answers.push({ ...nothing, orders: [{ job: 'one', attempt: 0, kind: 'query', items: [] }] })
  await it.asking.start()
  await it.clock.advance(100)
  expect(it.asked.map(({ waitMs }) => waitMs > 10_000)).toEqual([true, false])
  it.answers.push(nothing)
  it.end('one')
  await it.clock.advance(0)
  expect(it.asked[2]).toMatchObject({ turn: 3, orders: [{ job: 'one', state: 'done' }] })
  expect(it.heard).toEqual(['one done'])
  await it.asking.stop()
})

test('what an admin asks of pulls is passed on, and the next question is asked at once', async () => {
  const it = polls()
  it.answers.push({
    ...nothing,
    questions: [
      { id: 'a', query: {} },
      { id: 'b', pull: '3f2a9c-17', query: {} },
    ],
  })
  await it.asking.start()
  await it.clock.advance(100)
  expect([it.questions, it.asked.length]).toEqual([['a', 'b'], 2])
  await it.asking.stop()
})

test('a tracker that is away is asked after waits that grow to half a minute, and told of once', async () => {
  const it = polls()
  it.answers.push(...Array.from({ length: 50 }, () => appError('PEER_CLOSED')))
  await it.asking.start()
  await it.clock.advance(300_000)
  expect(it.asked.length).toBeGreaterThanOrEqual(10)
  expect(it.asked.length).toBeLessThanOrEqual(45)
  expect(it.logger.lines.filter(({ level }) => level === 'warn').length).toBe(1)
  await it.asking.stop()
})

test('what a tracker does not understand is dropped, and the next question is heard', async () => {
  const it = polls()
  it.answers.push({ ...nothing, orders: [{ job: 'one', attempt: 0, kind: 'query', items: [] }] })
  it.answers.push(appError('BODY_INVALID'), nothing)
  await it.asking.start()
  await it.clock.advance(60_000)
  expect(it.cancelled).toEqual(['one'])
  expect(it.asked.map(({ orders }) => orders.length).slice(0, 3)).toEqual([0, 1, 0])
  expect(it.logger.lines.some(({ level }) => level === 'error')).toBe(true)
  await it.asking.stop()
})

test.each([
  ['knows no orders', 'NOT_FOUND', 30_000],
  ['refuses this host', 'UNAUTHORIZED', 30_000],
] as const)('a tracker that %s is asked rarely', async (_, code, everyMs) => {
  const it = polls()
  it.answers.push(...Array.from({ length: 50 }, () => appError(code)))
  await it.asking.start()
  await it.clock.advance(everyMs * 3)
  expect(it.asked.length).toBe(4)
  await it.asking.stop()
})
