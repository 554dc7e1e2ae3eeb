import { describe, expect, test } from '@jest/globals'
import { parseConfig } from '../../../lib/config/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { buildIndexSchema, buildIndexService } from '../../../services/build-index/index.ts'

describe('the config of a build-index', () => {
  test('a registry that would hold the tags of all repositories in one is refused', () => {
    const backend = { driver: 'registry', url: 'http://127.0.0.1:5001' }
    expect(parseConfig(buildIndexSchema, { backend }).backend).toMatchObject({ repository: '{repository}' })
    const one = { ...backend, repository: 'all/in/one' }
    expect(() => parseConfig(buildIndexSchema, { backend: one })).toThrow(/must hold \{repository\}/)
  })

  test('a backend that holds blobs only is refused', () => {
    const backend = { driver: 'http', url: 'http://127.0.0.1:5001/{digest}' }
    const components = { logger: silentLogger(), metrics: silentMetrics() }
    expect(() => buildIndexService(components, parseConfig(buildIndexSchema, { backend }))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })

  test('remotes need a backend with conditional writes, which a registry is not', () => {
    const backend = { driver: 'registry', url: 'http://127.0.0.1:5001' }
    const remotes = { east: { urls: ['http://127.0.0.1:1/'], rules: [{ repository: '*' }] } }
    const components = { logger: silentLogger(), metrics: silentMetrics() }
    const start = (config: object) => buildIndexService(components, parseConfig(buildIndexSchema, config))
    expect(() => start({ backend, remotes })).toThrow(expect.objectContaining({ code: 'REPLICATION_NEEDS_BACKEND' }))
    expect(() => start({ backend, remotes, replication: { backend: { driver: 'file', folder: 'x' } } })).not.toThrow()
    expect(() => parseConfig(buildIndexSchema, { replication: { backend } })).toThrow(/conditional writes/)
  })

  test('a remote has its defaults, and its secret is in nothing that is printed', () => {
    const secret = 'sixteen characters'.replace(' ', '-')
    const east = { urls: ['http://127.0.0.1:1/'], secret, rules: [{ repository: 'team/*' }] }
    const { remotes } = parseConfig(buildIndexSchema, {
      remotes: { east: { ...east, windows: [{ from: '22:30', to: '06:00' }] } },
    })
    expect(remotes['east']).toMatchObject({
      urls: ['http://127.0.0.1:1'],
      ...{ rules: [{ repository: 'team/*', tag: '*' }], windows: [{ from: 1350, to: 360 }], bandwidth: undefined },
      ...{ concurrency: 4, signatures: true, deletes: false },
    })
    expect(remotes['east']?.secret?.()).toBe(secret)
    expect(JSON.stringify(remotes)).not.toContain(secret)
    const odd = { ...east, windows: [{ from: '25:00', to: '06:00' }] }
    expect(() => parseConfig(buildIndexSchema, { remotes: { east: odd } })).toThrow(/22:30/)
  })

  test('garbage is removed only when somebody says so, and never where the backend ignores conditions', () => {
    const remove = (backend: object) => parseConfig(buildIndexSchema, { backend, garbage: { remove: true } }).garbage
    const s3 = { driver: 's3', bucket: 'index' }
    const unsafe = { ...s3, conditionalWrites: false }
    expect(parseConfig(buildIndexSchema, {}).garbage.remove).toBe(false)
    expect(remove(s3).remove).toBe(true)
    expect(() => remove(unsafe)).toThrow(/conditional writes/)
    expect(() => remove({ ...s3, conditionalDeletes: false })).toThrow(/conditional writes/)
    expect(() => remove({ driver: 'shadow', primary: unsafe, secondary: s3 })).toThrow(/conditional writes/)
  })

  test('one that asks trackers has a name, its own or that of a member of its manager', () => {
    const trackers = { members: [{ id: 'tracker-1', url: 'http://127.0.0.1:1' }] }
    const manager = { url: 'http://127.0.0.1:2', token: 'sixteen-characters', member: 'a' }
    const parse = (config: object) => parseConfig(buildIndexSchema, { trackers, ...config })
    expect(() => parse({})).toThrow(/trackers tell build-indexes apart/)
    expect(parse({ member: 'a' }).trackers).toEqual(trackers)
    expect(parse({ manager }).manager?.member).toBe('a')
    expect(parseConfig(buildIndexSchema, {}).trackers).toBeUndefined()
  })

  test('one key of a listener can be set alone', () => {
    const config = parseConfig(buildIndexSchema, { http: { insecure: true } })
    expect(config.http).toMatchObject({ bind: { host: '127.0.0.1', port: 62001 }, insecure: true })
  })

  test('a listener beyond this machine without a secret is refused', () => {
    const start = (value: unknown) =>
      buildIndexService({ logger: silentLogger(), metrics: silentMetrics() }, parseConfig(buildIndexSchema, value))
    const http = { bind: '0.0.0.0:auto' }
    expect(() => start({ http })).toThrow(expect.objectContaining({ code: 'INSECURE_BIND' }))
    expect(() => start({ ops: http })).toThrow(expect.objectContaining({ code: 'INSECURE_BIND' }))
    expect(() => start({ http, secrets: { service: 'a-long-enough-secret' } })).not.toThrow()
  })
})
