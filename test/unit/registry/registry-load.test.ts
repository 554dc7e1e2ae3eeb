import { expect, test } from '@jest/globals'
import { registryLoad } from '../../../lib/registry/index.ts'

const digest = `sha256:${'0'.repeat(64)}`

test.each([
  ['GET', `/v2/team/app/blobs/${digest}`, false, 'downloads'],
  ['GET', `/v2/team/app/%62lobs/${digest}`, false, 'downloads'],
  ['GET', `/v2/blobs/uploads/app/blobs/${digest}`, false, 'downloads'],
  ['GET', `/v2/team/app/blobs/${digest}`, true, 'downloads'],
  ['HEAD', `/v2/team/app/blobs/${digest}`, false, undefined],
  ['GET', '/v2/team/blobs/manifests/latest', false, undefined],
  ['GET', '/v2/team/app/blobs/uploads/some', false, undefined],
  ['PATCH', '/v2/team/app/blobs/uploads/some', true, 'uploads'],
  ['POST', '/v2/team/app/blobs/uploads/', false, undefined],
  ['PUT', '/v2/team/app/manifests/latest', true, 'uploads'],
  ['GET', '/v2/%', false, undefined],
  ['GET', '/v2/', false, undefined],
])('the load of %s %s, with a body: %s, is %s, however its path is written', (method, path, hasBody, load) => {
  expect(registryLoad({ method, path, hasBody })).toBe(load)
})
