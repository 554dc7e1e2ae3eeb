import { describe, expect, test } from '@jest/globals'
import { steeringBodySchema } from '../../../lib/api/index.ts'
import { fakeClock } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { control } from '../../../services/tracker/control/control.ts'
import { steering } from '../../../services/tracker/steering/steering.ts'
import type { SteeringFile } from '../../../services/tracker/steering/steering-file.ts'

const noFile = { load: () => Promise.resolve(undefined), save: () => Promise.resolve() }

/** A tracker without its routes, whose config says 5 s to 120 s. */
function lab(file: SteeringFile = noFile) {
  const clock = fakeClock()
  const own = control(
    {
      ...{ clock, logger: silentLogger(), onEvent: () => undefined, member: 'a' },
      file: { load: () => Promise.resolve([]), save: () => Promise.resolve() },
    },
    { policy: 'adaptive', perSecond: 1_000, minMs: 5_000, maxMs: 120_000 },
  )
  const parts = { clock, logger: silentLogger(), metrics: silentMetrics(), events: { add: () => undefined } }
  return { control: own, steering: steering({ ...parts, file, control: own }, { member: 'a' }) }
}

/** A file whose writes end when the test says so. */
function slowFile() {
  let end = (): void => undefined
  const written = new Promise<void>((done) => {
    end = done
  })
  return { load: () => Promise.resolve(undefined), save: () => written, end: () => end() }
}

const layer = (kind: 'agent' | 'tracker', values: Readonly<Record<string, unknown>>, generation = 1) => ({
  ...{ id: kind, generation, kind, scope: { all: true as const }, values },
})
const documentOf = (generation: number, ...layers: readonly ReturnType<typeof layer>[]) => ({
  ...{ manager: 'm', generation, layers: [...layers] },
})

describe('a document with a part that a tracker cannot have', () => {
  test.each([
    ['a policy that it does not know', { policy: 'adaptiv' }, 'SETTING_INVALID', 'policy: there is no such policy'],
    ['a key that it does not know', { polcy: 'adaptive' }, 'SETTING_UNKNOWN', 'polcy'],
    ['what contradicts its config', { 'announce.minInterval': '1h' }, 'BODY_INVALID', 'minIntervalMs'],
  ])('as it has %s holds for all others, and the tracker says why not', async (_, values, code, message) => {
    const it = lab()
    const body = documentOf(1, layer('agent', { log: 'warn' }), layer('tracker', values))
    await it.steering.put(steeringBodySchema.parse(body))
    const agent = { kind: 'agent', id: 'h', names: ['h'] }
    expect([it.steering.held.version.generation, it.steering.for(agent).values]).toEqual([1, { log: 'warn' }])
    expect(it.steering.own).toMatchObject({ state: 'failed', code, message: expect.stringContaining(message) })
    expect(it.control.now).toMatchObject({ policy: 'adaptive', minMs: 5_000 })
  })

  test('is followed by one that it can have', async () => {
    const it = lab()
    await it.steering.put(documentOf(1, layer('tracker', { policy: 'adaptiv' })))
    await it.steering.put(documentOf(2, layer('tracker', { policy: 'topology' }, 2)))
    expect(it.steering.own).toEqual({ state: 'applied', settings: { policy: 'topology' } })
    expect(it.control.now.policy).toBe('topology')
  })
})

describe('who changes only what they have seen', () => {
  test('is asked for it when what came before is kept, and not when the change was sent', async () => {
    const file = slowFile()
    const { steering: it } = lab(file)
    const seen = it.held
    const unlessSeen = () => {
      if (it.held !== seen) throw new Error('it has changed')
    }
    const first = it.put(documentOf(1), unlessSeen)
    const others = Promise.allSettled([it.put(documentOf(2), unlessSeen), it.release(unlessSeen)])
    file.end()
    await first
    expect((await others).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(it.held.document).toEqual(documentOf(1))
  })
})
