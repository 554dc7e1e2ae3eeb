import { describe, expect, test } from '@jest/globals'
import type { liveKeys } from '../../../lib/api/live-keys.ts'
import { type BuildIndexConfig, buildIndexSchema } from '../../../services/build-index/config.ts'
import { buildIndexLive } from '../../../services/build-index/live.ts'
import type { LookerRules } from '../../../services/build-index/open-lookers.ts'

const HOUR = 3_600_000
const rule = { repository: 'team/*', tag: 'pr-*', newest: 20 }
const unneeded = { repository: '*', olderThan: '7d' }

/** For each live key of a build-index: a value, and what hears of it. */
const heard: Readonly<Record<keyof (typeof liveKeys)['build-index'], readonly [value: unknown, what: unknown]>> = {
  log: ['debug', { log: 'debug' }],
  linkMemory: ['9s', { links: 9_000 }],
  'garbage.interval': ['6h', { garbage: { interval: 6 * HOUR } }],
  'garbage.grace': ['3h', { garbage: { grace: 3 * HOUR } }],
  'garbage.remove': [true, { garbage: { remove: true } }],
  'garbage.rate': [77, { garbage: { rate: 77 } }],
  'retention.interval': ['1m', { retention: { interval: 60_000 } }],
  'retention.remove': [true, { retention: { remove: true } }],
  'retention.rules': [[rule], { retention: { rules: [{ ...rule, immutable: false }] } }],
  'retention.protect': [[{ repository: 'prod/*' }], { retention: { protect: [{ repository: 'prod/*', tag: '*' }] } }],
  'retention.untagged': [[unneeded], { retention: { untagged: [{ ...unneeded, olderThan: 7 * 24 * HOUR }] } }],
  'retention.rate': [78, { retention: { rate: 78 } }],
}

function steered(config: object = {}, { isRegistry = false } = {}) {
  const said: unknown[] = []
  const parsed: BuildIndexConfig = buildIndexSchema.parse(config)
  const live = buildIndexLive(
    {
      setLogLevel: (log) => void said.push({ log }),
      links: { setTtl: (links) => void said.push({ links }) },
      lookers: {
        garbage: isRegistry ? undefined : ({} as never),
        obey: (rules: LookerRules) => void said.push(rules),
      },
    },
    parsed,
  )
  return { live, said, parsed }
}

const unsafe = { backend: { driver: 's3', bucket: 'index', conditionalDeletes: false } }

describe('settings of a build-index that runs', () => {
  test.each(Object.entries(heard))('%s reaches what obeys it, and goes back to the file', (key, [value, what]) => {
    const { live, said, parsed } = steered()
    live.apply({ [key]: value })
    expect(said).toEqual([expect.objectContaining(said[0] as object)])
    expect(said[0]).toMatchObject(what as object)
    live.apply({})
    expect(said).toHaveLength(2)
    expect(said[1]).not.toMatchObject(what as object)
    if (key.includes('.')) expect(said[1]).toEqual({ garbage: parsed.garbage, retention: parsed.retention })
  })

  test('rules that hold together are set together', () => {
    const { live, said } = steered({ retention: { interval: '6h' } })
    live.apply({ 'retention.remove': true, 'retention.rules': [rule], 'garbage.interval': '1h', linkMemory: '1s' })
    expect(said).toMatchObject([
      { links: 1_000 },
      { garbage: { interval: HOUR }, retention: { remove: true, interval: 6 * HOUR, rules: [rule] } },
    ])
    live.apply({ 'retention.remove': true, 'retention.rules': [rule], 'garbage.interval': '1h', linkMemory: '2s' })
    expect(said).toHaveLength(3)
    expect(live.shown().find(({ key }) => key === 'garbage.interval')).toMatchObject({ file: null, live: HOUR })
  })

  test.each([
    ['to remove in a backend without conditions', unsafe, {}, { 'retention.remove': true }],
    ['to remove garbage there', unsafe, {}, { 'garbage.remove': true }],
    ['any rule where the index is a registry of others', {}, { isRegistry: true }, { 'garbage.rate': 9 }],
  ])('refuses %s, and changes nothing', (_, config, init, values) => {
    const { live, said } = steered(config, init)
    const before = live.shown()
    expect(() => live.apply({ ...values, linkMemory: '1s' })).toThrow(
      expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining('together') }),
    )
    expect(live.shown()).toEqual(before)
    expect(said).toEqual([{ links: 1_000 }, { links: 5_000 }])
    live.apply({ linkMemory: '2s' })
    expect(said.at(-1)).toEqual({ links: 2_000 })
  })
})
