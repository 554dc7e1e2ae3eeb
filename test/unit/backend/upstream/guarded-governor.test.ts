import { expect, test } from '@jest/globals'
import { governor } from '../../../../lib/backend/governor.ts'
import { defaultBackendLimits } from '../../../../lib/backend/limits-config.ts'
import { boundedGovernor, guardedGovernor } from '../../../../lib/backend/upstream/guarded-governor.ts'
import { upstreamVerdict } from '../../../../lib/backend/upstream/upstream-verdict.ts'
import { upstreamWays } from '../../../../lib/backend/upstream/upstream-ways.ts'
import { appError, background, codeOf, type FakeClock, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { parseRepositoryName } from '../../../../lib/core/index.ts'
import { recordingMetrics } from '../../../../lib/telemetry/index.ts'

const WAIT_MS = 2_000
const NAME = parseRepositoryName('team/app')

/** The way to an upstream that may be asked twice a second, and answers pings after `pingMs`. */
function lab({ pingMs = 0 } = {}) {
  const clock = fakeClock()
  const random = seededRandom(1)
  const limits = { ...defaultBackendLimits, requests: 2, answer: WAIT_MS, wait: WAIT_MS, attempts: 2 }
  const plain = governor({ clock, random, metrics: recordingMetrics() }, limits)
  const bounded = boundedGovernor(plain, clock, WAIT_MS)
  const ping = () => clock.sleep(pingMs)
  const ways = upstreamWays(
    { clock, random, tasks: background(() => undefined) },
    { registry: 'registry.test', waitMs: WAIT_MS, ping },
  )
  return { clock, guarded: guardedGovernor({ governor: bounded, ways }, NAME) }
}

/** What comes of so many requests at once, each of which is answered after `answerMs`. */
async function herd({ clock, guarded }: ReturnType<typeof lab>, count: number, answerMs: number) {
  const asked = Array.from({ length: count }, () =>
    guarded.request('stat', (signal) => clock.sleep(answerMs, { signal })).then(() => 'answered', codeOf),
  )
  await passed(clock, 3 * WAIT_MS)
  return Promise.all(asked)
}

async function passed(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) await clock.advance(50)
}

test('who asks an upstream for too much waits for himself: its way stays whole for everybody', async () => {
  const own = lab()
  const outcomes = await herd(own, 40, 300)
  expect(new Set(outcomes)).toEqual(new Set(['answered', 'BACKEND_THROTTLED']))
  expect(await herd(own, 1, 300)).toEqual(['answered'])
})

test('an upstream that has had its time and gives no answer is out, also for those who still wait for their turn', async () => {
  const own = lab()
  const outcomes = await herd(own, 40, 10 * WAIT_MS)
  expect(outcomes).toContain('UPSTREAM_UNREACHABLE')
  expect(outcomes).not.toContain('answered')
})

test('a try that fails at once is what counts when the time is over before the next one', async () => {
  const { clock, guarded } = lab()
  const cut = () => Promise.reject(appError('BACKEND_UNAVAILABLE', { cause: appError('PEER_CLOSED') }))
  const asked = guarded.request('stat', cut).catch((err: unknown) => err)
  await clock.advance(0)
  await clock.advance(WAIT_MS)
  expect(await asked).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', cause: { cause: { code: 'PEER_CLOSED' } } })
})

const unavailable = (init: Parameters<typeof appError>[1]) => appError('BACKEND_UNAVAILABLE', init)

test.each([
  ['a connection that is cut', unavailable({ cause: appError('PEER_CLOSED') }), 'broken'],
  ['a certificate that is not trusted', unavailable({ cause: appError('TLS_UNTRUSTED') }), 'broken'],
  ['no answer in time', unavailable({ detail: { answerMs: 5 } }), 'broken'],
  ['a status of the upstream', unavailable({ detail: { status: 502 } }), 'doubt'],
  ['a manifest that is too large', unavailable({ cause: appError('BODY_TOO_LARGE') }), 'doubt'],
  ['an answer that lacks something', unavailable({ message: 'the registry does not give the length' }), 'doubt'],
  ['a refusal', appError('BACKEND_DENIED'), 'whole'],
  ['a caller who left', appError('ABORTED'), 'none'],
])('what %s says of the way', (_, err, verdict) => {
  expect(upstreamVerdict(err)).toBe(verdict)
})
