import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { loadConfig, parseConfig } from '../../../lib/config/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { buildIndexSchema, buildIndexService } from '../../../services/build-index/index.ts'

const file = join(import.meta.dirname, '../../../config/build-index/base.yaml')

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
}

/** The keys of a backend belong to its driver and are documented in docs/configuration.md. */
const keysOf = (schema: JsonSchema): readonly string[] =>
  Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [key, ...keysOf(inner)])

describe('the config of a build-index', () => {
  test('base.yaml holds the defaults', async () => {
    expect(await loadConfig(buildIndexSchema, { file })).toEqual(parseConfig(buildIndexSchema, {}))
  })

  test('base.yaml names every key', async () => {
    const text = await readFile(file, 'utf8')
    const keys = keysOf(z.toJSONSchema(buildIndexSchema, { io: 'input' }) as JsonSchema)
    expect(keys).toEqual(expect.arrayContaining(['http', 'bind', 'backend', 'secrets', 'probeInterval']))
    for (const key of keys) expect(text).toMatch(new RegExp(`^ *(# *)?${key}:`, 'm'))
  })

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

  test('one key of a listener can be set alone', () => {
    const config = parseConfig(buildIndexSchema, { http: { insecure: true } })
    expect(config.http).toEqual({ bind: { host: '127.0.0.1', port: 62001 }, insecure: true })
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
