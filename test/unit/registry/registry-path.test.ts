import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { codeOf } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { parseRegistryPath } from '../../../lib/registry/registry-path.ts'

const digest = digestOf(Buffer.from('x'))

describe('parseRegistryPath', () => {
  test.each([
    ['/v2', { kind: 'ping' }],
    ['/v2/', { kind: 'ping' }],
    ['/v2/_catalog', { kind: 'catalog' }],
    ['/v2/a/tags/list', { kind: 'tags', name: 'a' }],
    ['/v2/a/b-c/d__e/manifests/v1.0', { kind: 'manifest', name: 'a/b-c/d__e', reference: 'v1.0' }],
    ['/v2/a/manifests/sha256%3Aabc', { kind: 'manifest', name: 'a', reference: 'sha256:abc' }],
    [`/v2/a/blobs/${digest}`, { kind: 'blob', name: 'a', digest }],
    [`/v2/a/referrers/${digest}`, { kind: 'referrers', name: 'a', digest }],
    ['/v2/a/blobs/uploads', { kind: 'uploads', name: 'a' }],
    ['/v2/a/blobs/uploads/', { kind: 'uploads', name: 'a' }],
    ['/v2/a/blobs/uploads/some-id', { kind: 'upload', name: 'a', session: 'some-id' }],
  ])('%s', (path, target) => {
    expect(parseRegistryPath(path)).toEqual(target)
  })

  test.each([
    ['/v2/blobs/uploads/manifests/manifests/t', { kind: 'manifest', name: 'blobs/uploads/manifests', reference: 't' }],
    ['/v2/manifests/tags/list', { kind: 'tags', name: 'manifests' }],
    ['/v2/tags/list/manifests/list', { kind: 'manifest', name: 'tags/list', reference: 'list' }],
    ['/v2/a/manifests/blobs/uploads/', { kind: 'uploads', name: 'a/manifests' }],
    ['/v2/blobs/uploads/blobs/uploads/id', { kind: 'upload', name: 'blobs/uploads', session: 'id' }],
    ['/v2/blobs/uploads/blobs/uploads', { kind: 'uploads', name: 'blobs/uploads' }],
  ])('is read from the right: %s', (path, target) => {
    expect(parseRegistryPath(path)).toEqual(target)
  })

  test.each([
    ['/v2/a/..%2fb/manifests/t', 'NAME_INVALID'],
    ['/v2/a%2Fb/manifests/t', 'NAME_INVALID'],
    ['/v2/a/%2E%2E/manifests/t', 'NAME_INVALID'],
    ['/v2/a/./manifests/t', 'NAME_INVALID'],
    ['/v2/a%00/manifests/t', 'NAME_INVALID'],
    ['/v2/a%5cb/manifests/t', 'NAME_INVALID'],
    ['/v2/a%zz/manifests/t', 'NAME_INVALID'],
    ['/v2/a/manifests/%2e%2e', 'NAME_INVALID'],
    ['/v2/A/manifests/t', 'NAME_INVALID'],
    ['/v2/a//manifests/t', 'NAME_INVALID'],
    ['/v2/manifests/t', 'NAME_INVALID'],
    ['/v2/blobs/uploads', 'NAME_INVALID'],
    ['/v2/blobs/uploads/', 'NOT_FOUND'],
    ['/v2/_catalog/', 'NOT_FOUND'],
    ['/v2/a', 'NOT_FOUND'],
    ['/v2/a/tags/list/', 'NOT_FOUND'],
    ['/v2x/a/manifests/t', 'NOT_FOUND'],
    ['v2/a/manifests/t', 'NOT_FOUND'],
    ['', 'NOT_FOUND'],
  ])('%s is refused with %s', (path, code) => {
    expect(() => parseRegistryPath(path)).toThrow(expect.objectContaining({ code }))
  })

  test('whatever the path, it is a target with a valid name or one of the two errors', () => {
    const segment = fc.oneof(
      fc.constantFrom('blobs', 'manifests', 'uploads', 'tags', 'list', 'referrers', '_catalog', '', '.', '..'),
      fc.constantFrom('%2f', '%', '%00', '%252f', 'a', 'a.b', 'A', 'sha256:x'),
      fc.string({ maxLength: 20 }),
    )
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
        try {
          const target = parseRegistryPath(`/v2/${segments.join('/')}`)
          if ('name' in target) expect(target.name).toMatch(/^[a-z0-9._/-]{1,255}$/)
          if ('name' in target) expect(target.name.split('/')).not.toContain('..')
        } catch (err) {
          expect(['NAME_INVALID', 'NOT_FOUND']).toContain(codeOf(err))
        }
      }),
      { seed: 7, numRuns: 500 },
    )
  })
})
