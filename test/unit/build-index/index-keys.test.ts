import { describe, expect, test } from '@jest/globals'
import { digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { CATALOG_PREFIX, indexKey, tagPrefix } from '../../../services/build-index/index-keys.ts'

const repository = parseRepository('library/nginx')
const digest = digestOf(Buffer.from('x'))

describe('keys of the index', () => {
  test('every kind of entry has its own place', () => {
    expect(indexKey(repository, { kind: 'repository' })).toBe('index/catalog/library/nginx')
    expect(indexKey(repository, { kind: 'tag', tag: parseTag('1.2_3') })).toBe(
      'index/repositories/library/nginx/_tags/1.2_3',
    )
    expect(indexKey(repository, { kind: 'manifest', digest })).toBe(
      `index/repositories/library/nginx/_manifests/${digest}`,
    )
    expect(indexKey(repository, { kind: 'blob', digest })).toBe(`index/repositories/library/nginx/_blobs/${digest}`)
  })

  test('listing prefixes end right before the name', () => {
    expect(indexKey(repository, { kind: 'tag', tag: parseTag('v1') })).toBe(`${tagPrefix(repository)}v1`)
    expect(indexKey(repository, { kind: 'repository' })).toBe(`${CATALOG_PREFIX}library/nginx`)
  })

  test('the longest names fit into a key', () => {
    const longest = parseRepository('r'.repeat(255))
    const sha512 = digestOf(Buffer.from('x'), 'sha512')
    for (const entry of [
      { kind: 'tag', tag: parseTag('t'.repeat(128)) },
      { kind: 'manifest', digest: sha512 },
    ] as const) {
      expect(indexKey(longest, entry).length).toBeLessThanOrEqual(1024)
    }
  })
})
