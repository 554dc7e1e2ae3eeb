import { describe, expect, test } from '@jest/globals'
import { digestOf } from '../../../../lib/core/index.ts'
import { imageOfUrl, targetOf } from '../../../../services/manager/jobs/image-url.ts'

const digest = digestOf(Buffer.from('an image'))
const own = ['harbor.example', '127.0.0.1:5000']

describe('the image of a URL', () => {
  test.each([
    ['https://harbor.other/v2/p/r/manifests/1.0', 'harbor.other/p/r:1.0'],
    ['https://harbor.other:443/v2/p/r/manifests/1.0', 'harbor.other/p/r:1.0'],
    ['https://harbor.other:8443/v2/p/a/b/manifests/1.0', 'harbor.other:8443/p/a/b:1.0'],
    [`https://harbor.other/v2/p/r/manifests/${digest}`, `harbor.other/p/r@${digest}`],
    ['https://registry-1.docker.io/v2/library/nginx/manifests/1', 'docker.io/library/nginx:1'],
    ['https://harbor.example/v2/p/r/manifests/1.0', 'p/r:1.0'],
    ['http://127.0.0.1:5000/v2/p.x/r/manifests/1.0', './p.x/r:1.0'],
  ])('%s is %s', (url, image) => {
    expect(imageOfUrl(url, own).target).toBe(image)
  })

  test.each([
    ['https://harbor.example/p/r', 'URL_INVALID'],
    ['https://harbor.example/v2/P/r/manifests/1', 'NAME_INVALID'],
    ['https://harbor.example/v2/p/r/manifests/a%20b', 'TAG_INVALID'],
    ['https://harbor.example/v2/p/r/manifests/%zz', 'URL_INVALID'],
    ['https://harbor.example/v2/p/r/manifests/%E0%A4', 'URL_INVALID'],
    ['https://user:secret@harbor.example/v2/p/r/manifests/1', 'URL_INVALID'],
    ['ftp://harbor.example/v2/p/r/manifests/1', 'TAG_INVALID'],
  ])('%s is none: %s', (url, code) => {
    expect(() => targetOf(url, own)).toThrow(expect.objectContaining({ code }))
  })
})
