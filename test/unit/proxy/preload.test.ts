import { afterEach, expect, test } from '@jest/globals'
import { type ErrorCode, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { preloader } from '../../../services/proxy/kraken/preload.ts'
import { proxyKrakenRoutes } from '../../../services/proxy/kraken/routes.ts'
import { eventually } from '../../kit/eventually.ts'
import { answerError, type ScriptedServer, scriptedServer } from '../../kit/scripted-server.ts'

const image = { repository: parseRepository('team/app'), digest: digestOf(Buffer.from('manifest')) }
const { signal } = new AbortController()
const statuses: Partial<Record<ErrorCode, number>> = { FLEET_EMPTY: 404, FLEET_GATHERING: 503, BLOB_UNKNOWN: 404 }

const opened: AsyncDisposable[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]()
})

/** A tracker that gives the answers one after the other, and the last of them again and again. */
async function lab(...answers: readonly [ErrorCode, ...ErrorCode[]]) {
  const left = [...answers]
  const server = await scriptedServer((_, res) => {
    const code = left.shift() ?? answers.at(-1) ?? answers[0]
    answerError(res, statuses[code] ?? 500, code)
  })
  const clock = fakeClock(1_700_000_000_000)
  const runtime = { clock, random: seededRandom(1), logger: silentLogger(), metrics: recordingMetrics() }
  const init = { trackers: [{ id: 'tracker-1', url: server.url }], secret: () => 'the-admin-secret', zone: 'a' }
  const preload = preloader(runtime as never, init)
  await preload.start()
  opened.push({ [Symbol.asyncDispose]: () => preload.stop() }, server)
  return { server, clock, preload }
}

const bodies = ({ requests }: ScriptedServer) =>
  requests.map(({ body }) => JSON.parse(body.toString()) as { readonly key: string })

test('an order names the image and the hosts, shows the secret, and has one key for ten minutes', async () => {
  const { server, clock, preload } = await lab('FLEET_EMPTY')
  await preload.order(image, { signal })
  await preload.order(image, { signal })
  await clock.advance(600_000)
  await preload.order(image, { signal })
  const [first, second, third] = bodies(server)
  expect(first).toMatchObject({ kind: 'preload', target: `team/app@${image.digest}`, zone: 'a' })
  expect(second).toEqual(first)
  expect(third).toEqual({ ...first, key: expect.not.stringContaining(first?.key ?? '') })
  expect(server.requests[0]?.headers.authorization).toBe('Bearer the-admin-secret')
})

test('an order waits for a tracker that gathers its hosts', async () => {
  const { server, clock, preload } = await lab('FLEET_GATHERING', 'FLEET_GATHERING', 'FLEET_EMPTY')
  const ordered = preload.order(image, { signal })
  await eventually(async () => {
    await clock.advance(500)
    expect(server.requests).toHaveLength(3)
  })
  await ordered
})

test('an order that a tracker refuses for good fails at once', async () => {
  const { server, preload } = await lab('BLOB_UNKNOWN')
  await expect(preload.order(image, { signal })).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
  expect(server.requests).toHaveLength(1)
})

test('whoever has hosts fetch an image by a notification must be more than a reader', () => {
  const rightWith = (preload: object | undefined) =>
    proxyKrakenRoutes({ preload } as never).find(({ path }) => path === '/registry/notifications')?.right
  expect([rightWith(undefined), rightWith({})]).toEqual(['read', 'write'])
})
