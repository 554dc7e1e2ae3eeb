import type { IncomingMessage } from 'node:http'
import { expect, test } from '@jest/globals'
import { codeOf, fakeClock } from '../../../lib/base/index.ts'
import { MANIFEST_LIMIT } from '../../../lib/core/index.ts'
import { bodyBudget } from '../../../lib/http/body-budget.ts'
import { silentMetrics } from '../../../lib/telemetry/index.ts'

const KIB = 1024

/** How a body of this length ends that comes at this rate. */
async function sentAt(bytesPerSecond: number, length: number): Promise<string | undefined> {
  const clock = fakeClock()
  const budget = bodyBudget({ clock, metrics: silentMetrics() }, 'test')
  const req = { socket: { remoteAddress: '10.0.0.1' } } as unknown as IncomingMessage
  let refused: string | undefined
  const body = budget.open(req, (err) => {
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
