import { expect, test } from '@jest/globals'
import { fakeClock } from '../../lib/base/index.ts'
import { parseConfig } from '../../lib/config/index.ts'
import { type Route, readBytes, sendEmpty } from '../../lib/http/index.ts'
import { serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import { recordingMetrics, silentLogger } from '../../lib/telemetry/index.ts'
import { originSchema } from '../../services/origin/index.ts'
import { buildResource } from '../kit/resource-stack.ts'

/** Somebody fills the memory that a service has for bodies. */

const MIB = 1024 * 1024
const ANY_PORT = { bind: '127.0.0.1:auto' }

/** The listeners of an origin, with one route that reads a body of up to 64 MiB. */
const startShell = () =>
  buildResource(async (stack) => {
    const config = parseConfig(originSchema, { http: ANY_PORT, admin: ANY_PORT, ops: ANY_PORT, peer: ANY_PORT })
    const metrics = recordingMetrics()
    const runtime = serviceRuntime('origin', config, { clock: fakeClock(), logger: silentLogger(), metrics })
    const handle: Route['handle'] = async (exchange) => {
      await readBytes(exchange, 64 * MIB)
      sendEmpty(exchange, 204)
    }
    const routes: readonly Route[] = [{ methods: ['PUT'], path: '/body', right: 'none', summary: 'for a test', handle }]
    const shell = serviceShell(runtime, config, { kind: 'origin', listeners: { http: { routes }, admin: { routes } } })
    const service = shell.around(shell.listeners)
    await service.start()
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    const send = async (listener: 'http' | 'admin', bytes: number) => {
      const answer = await fetch(`${shell.url(listener)}/body`, { method: 'PUT', body: Buffer.alloc(bytes) })
      await answer.arrayBuffer()
      return answer.status
    }
    return { send }
  })

test('the listeners of those who look after a service have memory of their own, and no more', async () => {
  await using it = await startShell()
  expect(await it.send('http', 5 * MIB)).toBe(204)
  expect(await it.send('admin', 3 * MIB)).toBe(204)
  expect(await it.send('admin', 5 * MIB)).toBe(429)
})
