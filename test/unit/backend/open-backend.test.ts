import { describe, expect, test } from '@jest/globals'
import {
  backendProbe,
  backendProbes,
  backendRulesSchema,
  backendSchema,
  countedBackend,
  memoryBackend,
  openBackends,
  prefixedBackend,
} from '../../../lib/backend/index.ts'
import { appError, fakeClock, seededRandom, systemClock } from '../../../lib/base/index.ts'
import { parseRepository, repositoryGlob } from '../../../lib/core/index.ts'
import { recordingLogger, recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { faultyBackend } from '../../kit/faulty-backend.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const bytes = Buffer.from('x')

function parts() {
  return { clock: systemClock(), random: seededRandom(1), logger: silentLogger(), metrics: recordingMetrics() }
}

describe('the choice of a backend', () => {
  test('an unknown driver and an unknown key are refused', () => {
    expect(backendSchema.safeParse({ driver: 'tape', folder: 'x' }).success).toBe(false)
    expect(backendSchema.safeParse({ driver: 'file', folder: 'x', size: 1 }).success).toBe(false)
    expect(backendSchema.parse({ driver: 'file', folder: 'x' })).toMatchObject({ driver: 'file', folder: 'x' })
  })

  test('a shadow of a backend with itself, or of a shadow, is refused', () => {
    const [primary, secondary] = ['a', 'b'].map((folder) => ({ driver: 'file', folder }))
    const shadow = { driver: 'shadow', primary, secondary }
    expect(backendSchema.safeParse(shadow).success).toBe(true)
    expect(backendSchema.safeParse({ ...shadow, secondary: { ...primary } }).success).toBe(false)
    expect(backendSchema.safeParse({ ...shadow, secondary: shadow }).success).toBe(false)
  })

  test('the first rule that fits a repository gives its backend', async () => {
    await using folder = await tempFolder('rules')
    const backend = { driver: 'file', folder: folder.path }
    const rules = backendRulesSchema.parse([
      { repository: 'team/*', path: 'team/', backend },
      { repository: './a.b', path: 'dots/', backend },
      { repository: '*', backend },
    ])
    const backends = openBackends(parts(), rules)
    await backends.start()
    await backends.backendFor(parseRepository('team/app')).write('k', bytes, { size: 1 })
    await backends.backendFor(parseRepository('./a.b')).write('k', bytes, { size: 1 })
    await backends.backendFor(parseRepository('axb')).write('k', bytes, { size: 1 })
    expect((await backends.backendFor(parseRepository('else')).list('')).keys).toEqual(['dots/k', 'k', 'team/k'])
    await backends.stop()
  })

  const files = { driver: 'file', folder: '/nowhere' }
  const web = { driver: 'http', url: 'http://127.0.0.1:1/{hex}' }
  const registry = { driver: 'registry', url: 'http://127.0.0.1:1', mode: 'read-only' }
  test.each([
    ['http', web],
    ['registry', registry],
    ['http', { driver: 'shadow', primary: web, secondary: files, writes: 'primary' }],
    ['registry', { driver: 'shadow', primary: files, secondary: registry }],
  ])('pushes cannot wait for a backend that is only read (%s, %j)', (driver, backend) => {
    const rule = { repository: '*', backend }
    expect(backendRulesSchema.safeParse([rule]).success).toBe(true)
    expect(backendRulesSchema.safeParse([{ ...rule, durability: 'replicas' }]).error?.issues).toMatchObject([
      {
        path: [0, 'durability'],
        message: `must be "backend": a backend of the driver ${driver} that is read-only never accepts the waiting blobs`,
      },
    ])
  })

  test.each([
    [files],
    [{ ...registry, mode: 'read-write' }],
    [{ driver: 'shadow', primary: files, secondary: web, writes: 'primary' }],
  ])('pushes can wait for a backend that takes writes (%j)', (backend) => {
    expect(backendRulesSchema.safeParse([{ repository: '*', durability: 'replicas', backend }]).success).toBe(true)
  })

  test('`store`, the earlier name of what a push is acknowledged by, still means `backend`', () => {
    const rule = { repository: '*', backend: files }
    const durabilityIn = (part: object) => backendRulesSchema.parse([{ ...rule, ...part }])[0]?.durability
    expect(durabilityIn({ durability: 'store' })).toBe('backend')
    expect([durabilityIn({}), durabilityIn({ durability: 'replicas' })]).toEqual(['backend', 'replicas'])
    expect(backendRulesSchema.parse([{ ...rule, backend: web, durability: 'store' }])).toHaveLength(1)
  })

  test('a repository without a rule is an error with its own code', () => {
    const backend = { driver: 'file', folder: '/nowhere' }
    const backends = openBackends(parts(), backendRulesSchema.parse([{ repository: 'team/*', backend }]))
    expect(() => backends.backendFor(parseRepository('other'))).toThrow(
      expect.objectContaining({ code: 'NO_BACKEND_RULE' }),
    )
  })

  test.each([
    ['*', 'team/*'],
    ['team/*', 'team/a*b'],
    ['*a*', 'team/*a*'],
    ['./a.b', './a.b'],
    ['team/*', 'team/app'],
  ])('a rule for %s makes one for %s behind it an error, not one before it', (wide, narrow) => {
    const [one, other] = [wide, narrow].map((repository) => ({ repository, backend: { driver: 'file', folder: 'x' } }))
    const refused = backendRulesSchema.safeParse([one, other])
    expect(refused.error?.issues).toMatchObject([
      {
        path: [1, 'repository'],
        message: `is never reached: the rule for "${wide}" before it fits the same repositories`,
      },
    ])
    if (wide !== narrow) expect(backendRulesSchema.safeParse([other, one]).success).toBe(true)
  })

  test.each([
    ['team/*', 'team*'],
    ['a*', '*a'],
    ['./a.b', 'x/axb'],
    ['*a', '*ab'],
  ])('a rule for %s leaves something to one for %s behind it', (first, second) => {
    const rules = [first, second].map((repository) => ({ repository, backend: { driver: 'file', folder: 'x' } }))
    expect(backendRulesSchema.safeParse(rules).success).toBe(true)
  })

  test('a pattern that no repository can have is refused', () => {
    const backend = { driver: 'file', folder: 'x' }
    for (const repository of ['Team/*', 'a//b', '-a', 'docker.io', 'team.a', './team', 'docker.io:0/*', '/*']) {
      expect([repository, backendRulesSchema.safeParse([{ repository, backend }]).success]).toEqual([repository, false])
    }
  })

  test('patterns match the text form: an upstream, our own names, everything', () => {
    const backend = { driver: 'file', folder: 'x' }
    const patterns = ['docker.io/*', 'host:*', '*:5000/team/*', './*', 'library/*', '*']
    const rules = backendRulesSchema.parse(
      patterns.map((repository) => ({ repository, path: `${repository}/`, backend })),
    )
    const ruleOf = (text: string) => rules.find((rule) => repositoryGlob(rule.repository).fits(parseRepository(text)))
    const texts = [
      'docker.io/library/nginx',
      'host:1/a',
      'b:5000/team/a',
      './docker.io/library/nginx',
      'library/nginx',
      'a',
    ]
    expect(texts.map((text) => ruleOf(text)?.repository)).toEqual(patterns)
  })

  test('the key namespace is another word for repository, but not beside it', () => {
    const backend = { driver: 'file', folder: 'x' }
    const [rule] = backendRulesSchema.parse([{ namespace: 'team/*', backend }])
    expect(rule).toMatchObject({ repository: 'team/*' })
    expect(rule).not.toHaveProperty('namespace')
    const both = backendRulesSchema.safeParse([{ namespace: 'team/*', repository: 'team/*', backend }])
    expect(both.error?.issues).toMatchObject([{ path: [0, 'namespace'] }])
    expect(backendRulesSchema.safeParse([{ namespace: 7, backend }]).success).toBe(false)
    expect(backendRulesSchema.safeParse([{ backend }]).success).toBe(false)
  })

  test('the place {namespace} is another word for {repository}; it holds our own repositories only', () => {
    const web = { driver: 'http', url: 'http://127.0.0.1:1/{namespace}/{hex}' }
    const registry = { driver: 'registry', url: 'http://127.0.0.1:1', repository: 'mirror/{namespace}' }
    expect(backendSchema.parse(web)).toMatchObject({ url: 'http://127.0.0.1:1/{repository}/{hex}' })
    expect(backendSchema.parse(registry)).toMatchObject({ repository: 'mirror/{repository}' })
    for (const backend of [web, registry]) {
      const backends = openBackends(parts(), backendRulesSchema.parse([{ repository: '*', backend }]))
      expect(() => backends.backendFor(parseRepository('./docker.io/library/nginx'))).not.toThrow()
      expect(() => backends.backendFor(parseRepository('docker.io/library/nginx'))).toThrow(
        expect.objectContaining({ code: 'NO_BACKEND_RULE' }),
      )
    }
  })

  test('rules that name one backend share it, and its limits', async () => {
    await using folder = await tempFolder('rules')
    const clock = fakeClock()
    const backend = { driver: 'file', folder: folder.path, limits: { write: '1kB/s' } }
    const other = { ...backend, folder: `${folder.path}/other` }
    const rules = [
      { repository: 'a/*', path: 'a/', backend },
      { repository: 'b/*', path: 'b/', backend: { ...backend, limits: { ...backend.limits } } },
      { repository: 'c/*', path: 'a/', backend },
      { repository: 'd/*', backend: { driver: 'shadow', primary: other, secondary: backend } },
    ]
    const backends = openBackends({ ...parts(), clock }, backendRulesSchema.parse(rules))
    await backends.start()
    expect(backends.backendFor(parseRepository('a/x'))).toBe(backends.backendFor(parseRepository('c/x')))
    await backends.backendFor(parseRepository('a/x')).write('k', Buffer.alloc(2_000), { size: 2_000 })
    const waits = ['b/x', 'd/x'].map((name) =>
      backends.backendFor(parseRepository(name)).write('l', bytes, { size: 1 }),
    )
    const written: unknown[] = []
    for (const wait of waits) void wait.then((stat) => written.push(stat))
    await clock.advance(500)
    expect(written).toEqual([])
    await eventually(async () => {
      await clock.advance(1_000)
      expect(written).toHaveLength(2)
    })
    await backends.stop()
  })
})

describe('a prefixed backend', () => {
  test('sees only what lies below its prefix, without it', async () => {
    const whole = memoryBackend()
    const part = prefixedBackend(whole, 'team/')
    for (const key of ['a', 'b', 'c']) await part.write(key, bytes, { size: 1 })
    await whole.write('team', bytes, { size: 1 })
    expect(await part.list('', { limit: 2 })).toEqual({ keys: ['a', 'b'], next: 'b' })
    expect(await part.list('', { after: 'b' })).toEqual({ keys: ['c'], next: undefined })
    expect((await whole.list('team/')).keys).toEqual(['team/a', 'team/b', 'team/c'])
    await part.delete('a')
    expect(await part.stat('a')).toBeUndefined()
    expect(await part.read('a')).toBeUndefined()
  })
})

describe('a counted backend', () => {
  test('counts every request by operation and outcome', async () => {
    const metrics = recordingMetrics()
    const faulty = faultyBackend(memoryBackend())
    const backend = countedBackend(metrics, faulty.backend)
    const count = (op: string, outcome: string) => metrics.value('shoal_backend_requests_total', { op, outcome })
    await backend.write('k', bytes, { size: 1, ifAbsent: true })
    await expect(backend.write('k', bytes, { size: 1, ifAbsent: true })).rejects.toThrow()
    await backend.stat('k')
    await backend.stat('none')
    await backend.delete('k')
    await expect(backend.list('', { signal: AbortSignal.abort() })).rejects.toThrow()
    faulty.break()
    await expect(backend.read('k')).rejects.toThrow()
    expect([count('write', 'ok'), count('write', 'precondition')]).toEqual([1, 1])
    expect([count('stat', 'ok'), count('stat', 'absent')]).toEqual([1, 1])
    expect([count('delete', 'ok'), count('list', 'aborted'), count('read', 'failed')]).toEqual([1, 1, 1])
  })
})

describe('the probe of a backend', () => {
  test('tells an outage and its end, and logs each once', async () => {
    const clock = fakeClock()
    const logger = recordingLogger()
    const faulty = faultyBackend(memoryBackend())
    const probe = backendProbe({ clock, logger }, faulty.backend, { intervalMs: 1_000 })
    await probe.start()
    expect(probe.check()).toBeUndefined()
    faulty.break()
    await clock.advance(3_000)
    expect(probe.check()).toBe('the backend does not answer (BACKEND_UNAVAILABLE)')
    faulty.heal()
    await clock.advance(3_000)
    expect(probe.check()).toBeUndefined()
    expect(logger.lines.map(({ message }) => message)).toEqual([
      'the backend does not answer',
      'the backend answers again',
    ])
    await probe.stop()
    expect(clock.pending).toBe(0)
  })

  test('a backend that never answers is found out after the time-out', async () => {
    const clock = fakeClock()
    const never = () => new Promise<undefined>(() => undefined)
    const probe = backendProbe({ clock, logger: silentLogger() }, { stat: never }, { timeoutMs: 2_000 })
    const starting = probe.start()
    await clock.advance(2_000)
    await starting
    expect(probe.check()).toBe('the backend does not answer (REQUEST_TIMEOUT)')
    await probe.stop()
    expect(clock.pending).toBe(0)
  })

  test('names what a backend says when it answers no', async () => {
    const clock = fakeClock()
    const backends = (['BACKEND_THROTTLED', 'BACKEND_DENIED'] as const).map((code) => ({
      name: code,
      backend: { stat: () => Promise.reject(appError(code)) },
    }))
    const { checks, ...probes } = backendProbes({ clock, logger: silentLogger() }, backends)
    await probes.start()
    expect(Object.entries(checks).map(([name, check]) => [name, check()])).toEqual([
      ['backend for BACKEND_THROTTLED', 'the backend asks to slow down (BACKEND_THROTTLED)'],
      ['backend for BACKEND_DENIED', 'the backend refuses the credentials (BACKEND_DENIED)'],
    ])
    await probes.stop()
    expect(clock.pending).toBe(0)
  })
})
