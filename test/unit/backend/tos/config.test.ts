import { describe, expect, test } from '@jest/globals'
import { tosSchema } from '../../../../lib/backend/tos/config.ts'
import { tosEndpoint } from '../../../../lib/backend/tos/endpoint.ts'

const least = {
  driver: 'tos',
  bucket: 'my-images',
  region: 'cn-beijing',
  credentials: { accessKeyId: 'AKLT', secretAccessKey: 's' },
}

describe('the config of TOS', () => {
  test.each([
    [{}, { host: 'tos-cn-beijing.volces.com', secure: true }],
    [{ network: 'internal' }, { host: 'tos-cn-beijing.ivolces.com', secure: true }],
    [{ endpoint: 'tos.example.com' }, { host: 'tos.example.com', secure: true }],
    [{ endpoint: 'https://tos.example.com:8443' }, { host: 'tos.example.com:8443', secure: true }],
    [{ endpoint: 'http://127.0.0.1:9000' }, { host: '127.0.0.1:9000', secure: false }],
    [{ endpoint: '10.0.0.7:9000' }, { host: '10.0.0.7:9000', secure: true }],
  ])('%j is reached at %j', (more, endpoint) => {
    expect(tosEndpoint(tosSchema.parse({ ...least, ...more }))).toEqual(endpoint)
  })

  test.each([
    ['endpoint', 'tos-s3-cn-beijing.volces.com', /native endpoint/],
    ['endpoint', 'https://tos-s3-cn-beijing.ivolces.com', /native endpoint/],
    ['endpoint', 'https://tos.example.com/path', /without a path/],
    ['bucket', 'My_Images', /3 to 63/],
    ['bucket', '-images', /3 to 63/],
    ['bucket', 'ab', /3 to 63/],
    ['credentials', { accessKeyId: 'AKLT', secretAccessKey: 'with a space' }, /credentials/],
    ['parts', { size: '4MiB' }, /5MiB to 512MiB/],
    ['partSize', '8MiB', /Unrecognized key/],
  ])('%s may not be %j', (key, value, message) => {
    const { success, error } = tosSchema.safeParse({ ...least, [key]: value })
    expect(success).toBe(false)
    expect(String(error)).toMatch(message)
  })
})
