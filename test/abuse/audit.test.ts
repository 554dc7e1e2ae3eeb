import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock } from '../../lib/base/index.ts'
import { type Route, requireRight, sendEmpty } from '../../lib/http/index.ts'
import { type Right, secretAuthenticator } from '../../lib/identity/index.ts'
import { auditTrail, type RecordingLogger, recordingLogger } from '../../lib/telemetry/index.ts'
import { httpPair } from '../kit/http-pair.ts'
import { accepting, everySecret, proverOf } from '../kit/secrets.ts'
import { swarmBlob } from '../kit/swarm-blob.ts'
import { swarmLab } from '../kit/swarm-lab.ts'

/** Who has done what, and who was not let: nobody can do either without a line, nor fill the disk with lines. */

const served = (right: Right, path: string, handle: Route['handle']): Route => ({
  methods: ['GET', 'POST'],
  ...{ path, right, summary: 'for a test', handle },
})

const routes: readonly Route[] = [
  served('admin', '/drain', (exchange) => sendEmpty(exchange, 202)),
  served('admin', '/tasks/:id', () => {
    throw appError('TASK_UNKNOWN')
  }),
  served('read', '/blobs', (exchange) => sendEmpty(exchange, 200)),
  served('read', '/uploads', (exchange) => {
    requireRight(exchange, 'write')
  }),
]

const lab = () => httpPair(routes, { authenticate: secretAuthenticator({ secrets: accepting(everySecret) }) })
type Lab = Awaited<ReturnType<typeof lab>>

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}`, 'x-request-id': 'request-1' })

async function send(at: Lab, method: 'GET' | 'POST', path: string, headers: Readonly<Record<string, string>> = {}) {
  const answer = await at.client.request({ method, url: at.url(path), headers })
  await answer.discard()
}

const told = (logger: RecordingLogger) =>
  logger.lines.flatMap(({ level, message, fields }) =>
    fields['audit'] === undefined ? [] : [{ level, message, ...fields }],
  )

describe('an admin action', () => {
  test('is one line, with who did what and how it ended', async () => {
    const at = await lab()
    await send(at, 'POST', '/drain?now=true', bearer(everySecret.admin))
    await send(at, 'GET', '/tasks/17', bearer(everySecret.admin))
    await at[Symbol.asyncDispose]()
    const common = { level: 'info', message: 'admin action', who: 'admin', from: '127.0.0.1', requestId: 'request-1' }
    expect(told(at.logger)).toEqual([
      expect.objectContaining({ ...common, what: 'POST /drain?now=true', outcome: 202 }),
      expect.objectContaining({ ...common, what: 'GET /tasks/17', outcome: 404 }),
    ])
  })

  test('is none where a right below it is enough', async () => {
    await using at = await lab()
    await send(at, 'GET', '/blobs', bearer(everySecret.read))
    expect(told(at.logger)).toEqual([])
  })
})

describe('a refusal', () => {
  test.each([
    ['POST', '/drain', {}, 'info', 'anonymous', 'UNAUTHORIZED'],
    ['POST', '/drain', bearer('a-guess-with-16-letters'), 'warn', 'wrong credentials', 'UNAUTHORIZED'],
    ['POST', '/drain', bearer(everySecret.service), 'warn', 'service', 'DENIED'],
    ['GET', '/uploads', bearer(everySecret.read), 'warn', 'read', 'DENIED'],
    ['POST', '/drain', { origin: 'https://evil.example' }, 'warn', 'anonymous', 'CROSS_SITE'],
    ['GET', '/blobs', { host: 'rebound.example' }, 'warn', 'anonymous', 'HOST_UNKNOWN'],
  ] as const)('is one line: %s %s with %j', async (...[method, path, headers, level, who, outcome]) => {
    await using at = await lab()
    await send(at, method, `${path}?token=hidden`, headers)
    expect(told(at.logger)).toEqual([
      expect.objectContaining({
        level,
        message: 'refused',
        who,
        from: '127.0.0.1',
        what: `${method} ${path}`,
        outcome,
      }),
    ])
    expect(JSON.stringify(at.logger.lines)).not.toMatch(/hidden|a-guess|the-secret/)
  })

  test('of a peer that proves nothing is one, too', async () => {
    const blob = swarmBlob(5, 3_000_000)
    const logger = recordingLogger()
    await using swarm = swarmLab([blob])
    await swarm.origin({ prover: proverOf(everySecret.node), logger })
    const stranger = await swarm.agent({ prover: proverOf('a-guess-with-16-letters') })
    await swarm.run(stranger.pull(blob))
    const common = { message: 'refused', who: 'unproven peer', outcome: 'PEER_UNPROVEN' }
    expect(told(logger)).toContainEqual(expect.objectContaining(common))
  })
})

describe('a flood of refusals', () => {
  test('is told by its first ten, and by their number when the minute is over', async () => {
    await using at = await lab()
    for (let i = 0; i < 60; i += 1) await send(at, 'GET', '/blobs', bearer('a-guess-with-16-letters'))
    expect(told(at.logger)).toHaveLength(10)
    await at.clock.advance(60_000)
    expect(told(at.logger).slice(10)).toEqual([
      expect.objectContaining({ message: 'further refusals', from: '127.0.0.1', count: 50 }),
    ])
    await send(at, 'GET', '/blobs', bearer('a-guess-with-16-letters'))
    expect(told(at.logger)).toHaveLength(12)
  })

  test('is told in part when the listener stops', async () => {
    const at = await lab()
    for (let i = 0; i < 12; i += 1) await send(at, 'GET', '/blobs')
    await at[Symbol.asyncDispose]()
    expect(told(at.logger).at(-1)).toMatchObject({ message: 'further refusals', count: 2 })
  })

  test('from any number of addresses has a bound', () => {
    const logger = recordingLogger()
    const trail = auditTrail({ logger, clock: fakeClock() })
    const event = { who: 'anonymous', what: 'GET /', outcome: 'UNAUTHORIZED' }
    for (let i = 0; i < 20_000; i += 1) trail.refused({ ...event, from: `2001:db8::${i.toString(16)}` })
    trail.flush()
    expect(logger.lines.length).toBeLessThan(10 * 101 + 101)
    expect(logger.lines.at(-1)?.fields).toMatchObject({ from: 'other addresses', count: 20_000 - 100 - 10 })
  })
})
