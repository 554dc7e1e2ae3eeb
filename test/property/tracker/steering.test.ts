import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  compareSteering,
  effective,
  type HeldSteering,
  placeInShare,
  type SteeredHost,
  type SteeringDocument,
} from '../../../lib/api/index.ts'
import { fakeClock } from '../../../lib/base/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { type Steering, steering } from '../../../services/tracker/steering/steering.ts'

type Layer = SteeringDocument['layers'][number]

const keys = ['a', 'b', 'c']
const zones = ['east', 'west']
const hosts = ['h1', 'h2', 'h3', 'h4']

const scope = fc.oneof(
  fc.constant({ all: true as const }),
  fc.record({ zone: fc.constantFrom(...zones) }),
  fc.record({ hosts: fc.uniqueArray(fc.constantFrom(...hosts), { minLength: 1 }) }),
)
const layers = fc.array(
  fc.record({
    scope,
    generation: fc.integer({ min: 1, max: 5 }),
    values: fc.dictionary(fc.constantFrom(...keys), fc.nat(9)),
  }),
  { maxLength: 8 },
)
const documentOf = (some: readonly Pick<Layer, 'scope' | 'generation' | 'values'>[]): SteeringDocument => ({
  ...{ manager: 'm', generation: 9 },
  layers: some.map((layer, at) => ({ ...layer, id: `${at}`, kind: 'agent' })),
})
const host = (id: string, zone: string): SteeredHost => ({ kind: 'agent', id, names: [id], zone })

describe('what a document says for a host', () => {
  test('is of each key what the narrowest layer says, of these the latest, of these the last one', () => {
    fc.assert(
      fc.property(layers, fc.constantFrom(...hosts), fc.constantFrom(...zones), (some, id, zone) => {
        const rank = ({ scope: { all, hosts: named } }: Pick<Layer, 'scope'>) =>
          all === true ? 0 : named === undefined ? 1 : 2
        const applies = ({ scope: { all, zone: its, hosts: named } }: Pick<Layer, 'scope'>) =>
          all === true || its === zone || named?.includes(id) === true
        const wanted: Record<string, unknown> = {}
        for (const key of keys) {
          let best: (typeof some)[number] | undefined
          for (const layer of some) {
            if (!applies(layer) || !Object.hasOwn(layer.values, key)) continue
            const order = best === undefined ? 1 : rank(layer) - rank(best) || layer.generation - best.generation
            if (order >= 0) best = layer
          }
          if (best !== undefined) wanted[key] = best.values[key]
        }
        expect(effective(documentOf(some), host(id, zone))).toEqual({ generation: 9, values: wanted })
      }),
    )
  })

  test('a share has about its part of the hosts, always the same ones, and those of each smaller share', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.integer({ min: 5, max: 95 }), (salt, percent) => {
        const all = Array.from({ length: 400 }, (_, i) => `host-${i}`)
        const within = (most: number) =>
          all.filter((id) => {
            const document = documentOf([{ scope: { all: true }, generation: 1, values: { a: 1 } }])
            const shared = document.layers.map((layer) => ({ ...layer, share: { percent: most, salt } }))
            return effective({ ...document, layers: shared }, host(id, 'east')).values['a'] === 1
          })
        const [small, large] = [within(percent / 2), within(percent)]
        expect(large).toEqual(all.filter((id) => placeInShare(salt, id) < percent))
        expect(small.every((id) => large.includes(id))).toBe(true)
        expect(Math.abs(large.length / 4 - percent)).toBeLessThan(13)
      }),
      { numRuns: 30 },
    )
  })
})

/** A tracker whose file is in memory, so that it may end at any time. */
async function lab(member: string, clock = fakeClock()) {
  let kept: HeldSteering | undefined
  const boot = async (): Promise<Steering> => {
    const file = {
      load: () => Promise.resolve(kept),
      async save(held: HeldSteering) {
        await Promise.resolve()
        kept = held
      },
    }
    const parts = { clock, logger: silentLogger(), metrics: recordingMetrics(), file, events: { add: () => undefined } }
    const it = steering({ ...parts, control: { steer: () => undefined } }, { member })
    await it.start()
    return it
  }
  const own = { it: await boot() }
  return {
    get it() {
      return own.it
    },
    async restart() {
      own.it = await boot()
    },
  }
}

const act = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'release', 'exchange', 'restart', 'pass'),
  at: fc.nat(2),
  to: fc.nat(2),
  manager: fc.constantFrom('m', 'n'),
  step: fc.integer({ min: 1, max: 3 }),
})

describe('trackers that are told at random', () => {
  test('hold the same once each has heard of each other, the latest, and no generation that they had goes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
        const clock = fakeClock()
        const trackers = await Promise.all(['a', 'b', 'c'].map((member) => lab(member, clock)))
        const all: HeldSteering[] = []
        for (const { kind, at, to, manager, step } of acts) {
          const tracker = trackers[at]!
          const before = tracker.it.held
          const generation = before.version.generation + step
          const document = { manager, generation, layers: [] }
          if (kind === 'put') await tracker.it.put(document).catch(() => undefined)
          if (kind === 'release') await tracker.it.release().catch(() => undefined)
          if (kind === 'exchange') await tracker.it.learn(trackers[to]!.it.held)
          if (kind === 'restart') await tracker.restart()
          if (kind === 'pass') await clock.advance(step)
          expect(compareSteering(tracker.it.held.version, before.version)).toBeGreaterThanOrEqual(0)
          all.push(tracker.it.held)
        }
        for (const one of trackers) for (const other of trackers) await one.it.learn(other.it.held)
        for (const one of trackers) for (const other of trackers) await one.it.learn(other.it.held)
        const latest = all.toSorted((x, y) => compareSteering(x.version, y.version)).at(-1)
        for (const { it } of trackers) expect(it.held).toEqual(latest ?? it.held)
      }),
    )
  })
})
