import type { IncomingMessage } from 'node:http'
import { expect, test } from '@jest/globals'
import { codeOf, fakeClock } from '../../../lib/base/index.ts'
import { MANIFEST_LIMIT } from '../../../lib/core/index.ts'
import { bodyBudgets } from '../../../lib/http/body-budget.ts'
import { recordingMetrics, silentMetrics } from '../../../lib/telemetry/index.ts'

const KIB = 1024
const MIB = 1024 * KIB

const from = (remoteAddress: string) => ({ socket: { remoteAddress } }) as unknown as IncomingMessage

/** How a body of this length ends that comes at this rate. */
async function sentAt(bytesPerSecond: number, length: number): Promise<string | undefined> {
  const clock = fakeClock()
  const budget = bodyBudgets({ clock, metrics: silentMetrics() }).of('test')
  let refused: string | undefined
  const body = budget.open(from('10.0.0.1'), (err) => {
    refused = codeOf(err)
  })
  for (let sent = 0; sent < length && refused === undefined; sent += bytesPerSecond) {
    await clock.advance(1000)
    body.add(bytesPerSecond)
  }
  body.close()
  return refused
}

test('the largest manifest comes in whole over a slow line; one that trickles does not', async () => {
  expect(await sentAt(50 * KIB, MANIFEST_LIMIT)).toBeUndefined()
  expect(await sentAt(KIB, MANIFEST_LIMIT)).toBe('REQUEST_TIMEOUT')
})

function service() {
  const metrics = recordingMetrics()
  const budgets = bodyBudgets({ clock: fakeClock(), metrics })
  const listeners = {
    registry: budgets.of('registry'),
    http: budgets.of('http'),
    ops: budgets.of('ops', { reserved: true }),
    admin: budgets.of('admin', { reserved: true }),
  }
  const refused: string[] = []
  /** Who sends so much of a body to a listener that never ends. */
  const send = (listener: keyof typeof listeners, who: string, bytes: number) => {
    const body = listeners[listener].open(from(who), (err) => refused.push(`${listener} ${who} ${codeOf(err)}`))
    body.add(bytes)
    return body
  }
  const held = (listener: string) => metrics.value('shoal_http_body_bytes', { listener })
  return { send, refused, held, metrics }
}

test('the listeners of a service share one budget: who sends most makes room, on whichever he sends it', () => {
  const { send, refused, held, metrics } = service()
  for (let i = 0; i < 10; i += 1) send('http', '10.0.0.1', 4 * MIB)
  const small = send('registry', '10.0.0.2', 4 * MIB)
  for (let i = 0; i < 4; i += 1) send('registry', '10.0.0.3', 4 * MIB)
  expect(refused).toEqual([])
  expect([held('http'), held('registry')]).toEqual([40 * MIB, 20 * MIB])
  send('registry', '10.0.0.3', 4 * MIB)
  expect(refused).toEqual(['http 10.0.0.1 TOOMANYREQUESTS'])
  expect([held('http'), held('registry')]).toEqual([36 * MIB, 24 * MIB])
  expect(metrics.value('shoal_http_bodies_refused_total', { listener: 'http', why: 'full' })).toBe(1)
  small.close()
  expect(held('registry')).toBe(20 * MIB)
})

test('those who look after a service have room, whatever others send, and take none from them', () => {
  const { send, refused, held } = service()
  for (let i = 0; i < 15; i += 1) send('http', '10.0.0.1', 4 * MIB)
  for (const listener of ['ops', 'admin'] as const) send(listener, '10.0.0.1', 2 * MIB)
  send('http', '10.0.0.1', MIB)
  expect(refused).toEqual(['http 10.0.0.1 TOOMANYREQUESTS'])
  send('admin', '10.0.0.1', MIB)
  expect(refused.slice(1)).toEqual(['ops 10.0.0.1 TOOMANYREQUESTS'])
  expect([held('http'), held('admin'), held('ops')]).toEqual([57 * MIB, 3 * MIB, 0])
})
