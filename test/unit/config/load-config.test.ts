import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { duration, listenerOn, loadConfig, parseConfig } from '../../../lib/config/index.ts'

const schema = z.strictObject({
  ttl: duration.prefault('5m'),
  token: z.string().optional(),
  peers: z.array(z.string()).default([]),
  http: listenerOn('127.0.0.1:auto'),
})

const folderWith = async (files: Readonly<Record<string, string>>) => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-config-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return {
    path: (name: string) => join(folder, name),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

const invalid = (message: unknown) => expect.objectContaining({ code: 'CONFIG_INVALID', message })

describe('loadConfig', () => {
  test('fills in defaults, through the transformations of the schema', async () => {
    await expect(loadConfig(schema, {})).resolves.toEqual({
      ttl: 300_000,
      peers: [],
      http: { bind: { host: '127.0.0.1', port: 0 }, insecure: false, tls: 'auto', clientCertificates: 'off' },
    })
  })

  test('lays a file on the one it extends: mappings merge, arrays replace', async () => {
    await using folder = await folderWith({
      'base.yaml': 'ttl: 1s\npeers: [a, b]\nhttp: { bind: "127.0.0.1:1", insecure: true }\n',
      'middle.yaml': 'extends: ./base.yaml\npeers: [c]\n',
      'top.yaml': 'extends: middle.yaml\nhttp: { bind: "127.0.0.1:2" }\n',
    })
    await expect(loadConfig(schema, { file: folder.path('top.yaml') })).resolves.toEqual({
      ttl: 1000,
      peers: ['c'],
      http: { bind: { host: '127.0.0.1', port: 2 }, insecure: true, tls: 'auto', clientCertificates: 'off' },
    })
  })

  test('a mapping with another driver replaces the one below it, with the same it merges', async () => {
    const store = z.discriminatedUnion('driver', [
      z.strictObject({ driver: z.literal('file'), folder: z.string() }),
      z.strictObject({ driver: z.literal('s3'), bucket: z.string(), region: z.string() }),
    ])
    await using folder = await folderWith({
      'base.yaml': 'store: { driver: file, folder: here }\n',
      'top.yaml': 'extends: base.yaml\nstore: { driver: s3, bucket: images, region: a }\n',
    })
    const overrides = ['store.region=b']
    await expect(loadConfig(z.object({ store }), { file: folder.path('top.yaml'), overrides })).resolves.toEqual({
      store: { driver: 's3', bucket: 'images', region: 'b' },
    })
  })

  test('lays secrets on files, the environment on secrets, and overrides on all', async () => {
    await using folder = await folderWith({ 'a.yaml': 'ttl: 1s\ntoken: file\n', 'secrets.yaml': 'token: secret\n' })
    const files = { file: folder.path('a.yaml'), secretsFile: folder.path('secrets.yaml') }
    await chmod(files.secretsFile, 0o640)
    const env = { SHOAL__token: 'env', SHOAL__http__insecure: 'true', PATH: '/bin', SHOAL_OTHER: 'x' }
    const withBind = { ...env, SHOAL__http__bind: '127.0.0.1:9' }
    expect(await loadConfig(schema, files)).toMatchObject({ ttl: 1000, token: 'secret' })
    expect(await loadConfig(schema, { ...files, env: withBind })).toMatchObject({
      token: 'env',
      http: { insecure: true },
    })
    const overrides = ['token=set', 'peers=[x, y]', 'http.bind=[::1]:80']
    expect(await loadConfig(schema, { ...files, env: withBind, overrides })).toMatchObject({
      token: 'set',
      peers: ['x', 'y'],
      http: { bind: { host: '::1', port: 80 }, insecure: true },
    })
  })

  test('refuses a Secret as Kubernetes mounts it, says how to mount it, and takes it then', async () => {
    await using folder = await folderWith({ 'of-the-volume.yaml': 'token: secret\n' })
    const secretsFile = folder.path('secrets.yaml')
    await symlink('of-the-volume.yaml', secretsFile)
    await chmod(secretsFile, 0o644)
    await expect(loadConfig(schema, { secretsFile })).rejects.toEqual(
      invalid(expect.stringMatching(/defaultMode: 0440 and fsGroup/)),
    )
    await chmod(secretsFile, 0o440)
    await expect(loadConfig(schema, { secretsFile })).resolves.toMatchObject({ token: 'secret' })
  })

  test('names files that extend each other in a circle', async () => {
    await using folder = await folderWith({ 'a.yaml': 'extends: b.yaml', 'b.yaml': 'extends: a.yaml' })
    await expect(loadConfig(schema, { file: folder.path('a.yaml') })).rejects.toEqual(
      invalid(expect.stringMatching(/circle.*a\.yaml -> .*b\.yaml -> .*a\.yaml/)),
    )
  })

  test.each([
    ['ttl: [1\n', 'top.yaml'],
    ['ttl: 1s\nttl: 2s\n', 'duplicate key at line 2'],
    ['- a\n', 'mapping'],
    ['extends: [a]\n', 'extends names one file'],
    ['extends: missing.yaml\n', 'missing.yaml'],
    ['seederTTI: 1s\n', 'seederTTI'],
    ['http: { bind: "127.0.0.1:auto", insecur: true }\n', 'insecur'],
    ['ttl: soon\n', 'at ttl'],
  ])('says what is wrong with %p', async (text, named) => {
    await using folder = await folderWith({ 'top.yaml': text })
    await expect(loadConfig(schema, { file: folder.path('top.yaml') })).rejects.toEqual(
      invalid(expect.stringContaining(named)),
    )
  })

  test('an empty file is an empty config', async () => {
    await using folder = await folderWith({ 'top.yaml': '# nothing yet\n' })
    await expect(loadConfig(schema, { file: folder.path('top.yaml') })).resolves.toMatchObject({ ttl: 300_000 })
  })

  test.each(['novalue', '=x', 'a..b=1', '.a=1'])('refuses the override %p', async (override) => {
    await expect(loadConfig(schema, { overrides: [override] })).rejects.toEqual(invalid(expect.any(String)))
  })

  test('cannot be used to reach the prototype of everything', async () => {
    await expect(loadConfig(schema, { overrides: ['__proto__.polluted=1'] })).rejects.toEqual(
      invalid(expect.any(String)),
    )
    expect({}).not.toHaveProperty('polluted')
  })
})

describe('parseConfig', () => {
  test('freezes the result in depth', () => {
    const config = parseConfig(schema, { peers: ['a'] })
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.peers)).toBe(true)
    expect(Object.isFrozen(config.http.bind)).toBe(true)
  })

  test('names every bad key at once', () => {
    expect(() => parseConfig(schema, { ttl: 'x', http: { bind: 'y' } })).toThrow(
      invalid(expect.stringMatching(/at ttl[\s\S]*at http\.bind/)),
    )
  })
})

describe('a mistyped key', () => {
  const schema = z.strictObject({
    store: z.strictObject({ capacity: z.number(), minFree: z.number() }).partial().prefault({}),
    rules: z
      .array(
        z.discriminatedUnion('driver', [
          z.strictObject({ driver: z.literal('file'), folder: z.string().optional() }),
          z.strictObject({ driver: z.literal('s3'), bucket: z.string().optional() }),
        ]),
      )
      .default([]),
  })
  const told = async (override: string) =>
    loadConfig(schema, { overrides: [override] }).then(
      () => 'taken',
      (err: unknown) => String(err),
    )

  test.each([
    ['stroe.capacity=1', 'store'],
    ['store.capcity=1', 'store.capacity'],
    ['store.minfree=1', 'store.minFree'],
    ['capacity=1', 'store.capacity'],
    ['rules=[{ driver: s3, buckt: images }]', 'rules.0.bucket'],
  ])('%s is answered with the nearest one, %s', async (override, nearest) => {
    expect(await told(override)).toContain(`did you mean "${nearest}"?`)
  })

  test('that is like none gets no advice', async () => {
    expect(await told('colour=red')).toMatch(/Unrecognized key: "colour"$/)
  })
})
