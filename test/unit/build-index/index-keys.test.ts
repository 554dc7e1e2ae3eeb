import { describe, expect, test } from '@jest/globals'
import { checkKey } from '../../../lib/backend/key.ts'
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

  test('repositories of several registries share no key, and the catalog is of our own', () => {
    const texts = ['docker.io/x', './docker.io/x', 'host:5000/x', 'x', 'registries/docker.io/catalog/x']
    const keysOf = (text: string) => [
      ...[{ kind: 'repository' } as const, { kind: 'blob', digest } as const].map((entry) =>
        indexKey(parseRepository(text), entry),
      ),
      tagPrefix(parseRepository(text)),
    ]
    const keys = texts.flatMap(keysOf)
    expect(new Set(keys).size).toBe(keys.length)
    for (const key of keys) expect(() => checkKey(key.replace(/\/$/, ''))).not.toThrow()
    expect(keys.filter((key) => key.startsWith(CATALOG_PREFIX))).toEqual(
      ['docker.io/x', 'x', 'registries/docker.io/catalog/x'].map((name) => CATALOG_PREFIX + name),
    )
  })

  test('the longest names fit into a key', () => {
    const longest = parseRepository(
      `${'h'.repeat(63)}.${'h'.repeat(63)}.${'h'.repeat(63)}.${'h'.repeat(61)}:65535/${'r'.repeat(255)}`,
    )
    const sha512 = digestOf(Buffer.from('x'), 'sha512')
    for (const entry of [
      { kind: 'tag', tag: parseTag('t'.repeat(128)) },
      { kind: 'manifest', digest: sha512 },
    ] as const) {
      expect(indexKey(longest, entry).length).toBeLessThanOrEqual(1024)
    }
  })
})
