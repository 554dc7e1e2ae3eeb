import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  backendSchema,
  defaultBackendLimits,
  governor,
  openRegistry,
  type RegistryConfig,
  registryBackend,
} from '../../../lib/backend/index.ts'
import { codeOf, seededRandom, systemClock, systemRandom } from '../../../lib/base/index.ts'
import { digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { silentMetrics } from '../../../lib/telemetry/index.ts'
import { registryIndex } from '../../../services/build-index/registry-index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { backendSuite } from '../../contract/backend/backend-suite.ts'
import { nameSequence } from '../../contract/registry/running-registry.ts'
import { selfSigned } from '../../kit/certificate.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { type DebianRegistry, startDebianRegistry } from '../../kit/clients/index.ts'
import { faultProxy } from '../../kit/fault-proxy.ts'
import { resetUploadAfter } from '../../kit/http-faults.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { tokenServer } from '../../kit/token-server.ts'

const components = () => ({
  clock: systemClock(),
  governor: governor({ clock: systemClock(), random: systemRandom(), metrics: silentMetrics() }, defaultBackendLimits),
})

function configFor(fields: object): RegistryConfig {
  const config = backendSchema.parse({
    driver: 'registry',
    repository: 'behind/{repository}',
    chunk: '1MiB',
    ...fields,
  })
  if (config.driver !== 'registry') throw new Error('not a config of a registry')
  return config
}

const login = { username: 'ann', password: 'secret' }
/** Bcrypt hash of that password; neither Node nor our packages can make one. */
const htpasswd = 'ann:$2b$04$sL.Eb057DJLnR0gURB.dhezfRXtwc4XkK0hxlm/L1zPnZlKDGhIXO\n'

const kinds: Readonly<Record<string, (stack: ReturnType<typeof resourceStack>) => Promise<DebianRegistry>>> = {
  'asks for no login': async (stack) => stack.own(await startDebianRegistry()),
  'asks for a password': async (stack) => stack.own(await startDebianRegistry({ auth: { htpasswd } })),
  'asks for tokens': async (stack) => {
    const tokens = stack.own(await tokenServer({ users: { ann: 'secret' } }))
    return stack.own(await startDebianRegistry({ auth: { tokens } }))
  },
}

describe.each(Object.keys(kinds))("Debian's registry, which %s", (kind) => {
  const stack = resourceStack()
  const nextName = nameSequence('suite/n')
  let registry: DebianRegistry

  beforeAll(async () => {
    registry = (await kinds[kind]?.(stack)) as DebianRegistry
  })
  afterAll(async () => stack[Symbol.asyncDispose]())

  backendSuite(
    'the registry driver',
    async () => {
      const clients = resourceStack()
      const name = nextName()
      return {
        async open() {
          const backends = registryBackend(components(), configFor({ url: registry.url, ...login }))
          await backends.start()
          clients.own({ [Symbol.asyncDispose]: () => backends.stop() })
          return backends.backendFor(parseRepository(name))
        },
        leftovers: () => registry.openUploads(`behind/${name}`),
        dispose: async () => clients[Symbol.asyncDispose](),
      }
    },
    { keyFor: (bytes) => blobKey(digestOf(bytes)), lists: false },
  )

  test('keeps an index: manifests, tags and lists are real', async () => {
    const there = openRegistry(components(), configFor({ url: registry.url, ...login }))
    await there.start()
    try {
      const index = registryIndex(there)
      const name = parseRepository(nextName())
      const image = imageFixture(seededRandom(5))
      const { digest, bytes, mediaType } = image.manifest
      const descriptor = { digest, mediaType, size: bytes.length }
      const repository = there.repository(name)
      for (const content of [image.config, ...image.layers, image.manifest]) {
        await repository.upload(content.bytes, { digest: content.digest, size: content.bytes.length })
        await index.putBlob(name, { digest: content.digest, size: content.bytes.length })
      }
      await index.putManifest(name, descriptor)
      const tags = ['v1', 'v2', 'latest'].map(parseTag)
      for (const tag of tags) await index.putTag(name, tag, { descriptor })
      for (const tag of tags) expect(await index.getTag(name, tag)).toEqual(descriptor)
      expect(await index.listTags(name)).toEqual({ tags: tags.toSorted() })
      expect(await index.listTags(name, { n: 1, last: 'latest' })).toEqual({ tags: ['v1'], next: 'v1' })
      expect((await index.listRepositories()).repositories).toContain(name.name)
      expect((await repository.manifests.fetch(digest))?.bytes).toEqual(bytes)
      await expect(index.deleteTag(name, parseTag('v2'))).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      await index.deleteManifest(name, digest)
      for (const tag of tags) expect(await index.getTag(name, tag)).toBeUndefined()
    } finally {
      await there.stop()
    }
  })

  test('forgets an upload that broke off in a chunk; it fails, and a new try succeeds', async () => {
    await using proxy = await faultProxy({ target: registry.url })
    const there = openRegistry(components(), configFor({ url: proxy.url, ...login }))
    await there.start()
    const repository = there.repository(parseRepository(nextName()))
    const bytes = cipherBytes('an upload that breaks off', 3_000_000)
    const blob = { digest: digestOf(bytes), size: bytes.length }
    proxy.faults.next({ method: 'PATCH' }, resetUploadAfter(500_000))
    await expect(repository.upload(bytes, blob)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await repository.upload(bytes, blob)
    expect(await repository.blobs.size(blob.digest)).toBe(bytes.length)
    await there.stop()
  })

  test('refuses a wrong password', async () => {
    if (kind === 'asks for no login') return
    const there = openRegistry(components(), configFor({ url: registry.url, ...login, password: 'guessed' }))
    await there.start()
    await expect(there.ping()).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
    await there.stop()
  })
})

describe("Debian's registry over TLS", () => {
  test('is trusted with the certificate authority of the config, and not without', async () => {
    const tls = selfSigned()
    await using folder = await tempFolder('tls')
    await using registry = await startDebianRegistry({ tls })
    const ca = join(folder.path, 'ca.pem')
    await writeFile(ca, tls.certificate)
    for (const [fields, code] of [
      [{ ca }, undefined],
      [{}, 'BACKEND_UNAVAILABLE'],
    ] as const) {
      const there = openRegistry({ ...components(), governor: oneTry() }, configFor({ url: registry.url, ...fields }))
      await there.start()
      const outcome = await there.ping().then(() => undefined, codeOf)
      expect(outcome).toBe(code)
      await there.stop()
    }
  })
})

function oneTry() {
  const limits = { ...defaultBackendLimits, attempts: 1 }
  return governor({ clock: systemClock(), random: systemRandom(), metrics: silentMetrics() }, limits)
}
