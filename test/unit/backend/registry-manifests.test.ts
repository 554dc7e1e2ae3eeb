import { expect, test } from '@jest/globals'
import { registryManifests } from '../../../lib/backend/registry/registry-manifests.ts'
import type { RegistrySession } from '../../../lib/backend/registry/registry-session.ts'
import { fakeClock } from '../../../lib/base/index.ts'
import { digestOf, parseTag } from '../../../lib/core/index.ts'
import { plainGovernor } from '../../kit/plain-governor.ts'

const bytes = Buffer.from('{"schemaVersion":2}')
const other = Buffer.from('{"schemaVersion":2,"config":{}}')
const mediaType = 'application/vnd.oci.image.manifest.v1+json'

/** The manifests of a registry that answers every question for one with these bytes, under that digest. */
function manifestsOf(body: Buffer, named: string) {
  const asked: string[] = []
  const find: RegistrySession['find'] = async ({ method }) => {
    asked.push(method)
    const headers = { 'content-type': mediaType, 'content-length': `${body.length}`, 'docker-content-digest': named }
    const answer = { status: 200, url: 'https://registry.test/', headers }
    return { ...answer, bytes: async () => body, discard: async () => undefined } as never
  }
  const session = { find } as RegistrySession
  const manifests = registryManifests({ session, governor: plainGovernor(), clock: fakeClock() }, 'team/app')
  return { asked, manifests }
}

test('a digest is described by the headers of one HEAD', async () => {
  const digest = digestOf(bytes, 'sha256')
  const { asked, manifests } = manifestsOf(bytes, digest)
  expect(await manifests.describe(digest)).toEqual({ digest, mediaType, size: bytes.length })
  expect(asked).toEqual(['HEAD'])
})

test('a registry cannot answer a question for one digest with another one', async () => {
  const { manifests } = manifestsOf(other, digestOf(other, 'sha256'))
  await expect(manifests.describe(digestOf(bytes, 'sha256'))).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' })
  expect(await manifests.describe(parseTag('1.0'))).toMatchObject({ digest: digestOf(other, 'sha256') })
})

test('a registry that names what was asked for by another algorithm is believed by its bytes', async () => {
  const digest = digestOf(bytes, 'sha512')
  const { asked, manifests } = manifestsOf(bytes, digestOf(bytes, 'sha256'))
  expect(await manifests.describe(digest)).toEqual({ digest, mediaType, size: bytes.length })
  expect(asked).toEqual(['HEAD', 'GET'])
})
