import { describe, expect, test } from '@jest/globals'
import { parseRepositoryName, parseTag } from '../../../lib/core/index.ts'

describe('repository names', () => {
  test.each(['a', 'library/nginx', 'a.b/c_d/e__f/g-h/i---j', '0/1', 'a'.repeat(255)])('accepts %p', (name) => {
    expect(parseRepositoryName(name)).toBe(name)
  })

  test.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'A',
    'a..b',
    'a___b',
    '-a',
    'a-',
    'a b',
    'a/../b',
    'a\n',
    'ä',
    'a'.repeat(256),
  ])('refuses %p', (name) => {
    expect(() => parseRepositoryName(name)).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }))
  })

  test('decides about a long hostile name: a pattern that tries every split of it would not end', () => {
    const name = `${'a-'.repeat(120)}!`
    expect(() => parseRepositoryName(name)).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }))
  })
})

describe('tags', () => {
  test.each(['latest', 'V1.2_3-x', '_', '1', 'a'.repeat(128)])('accepts %p', (tag) => {
    expect(parseTag(tag)).toBe(tag)
  })

  test.each(['', '.a', '-a', 'a/b', 'a:b', 'a b', 'a\n', 'a'.repeat(129)])('refuses %p', (tag) => {
    expect(() => parseTag(tag)).toThrow(expect.objectContaining({ code: 'TAG_INVALID' }))
  })
})
