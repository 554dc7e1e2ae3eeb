import { describe, expect, test } from '@jest/globals'
import { repositoryText } from '../../../lib/core/index.ts'
import { parseAddressedTag, parseImageTag, parseLooseDigest } from '../../../lib/kraken/image-tag.ts'

const hex = 'ab'.repeat(32)
const textOf = ({ repository, tag }: ReturnType<typeof parseImageTag>) => `${repositoryText(repository)} ${tag}`

describe('an image in a path', () => {
  test.each([
    ['app:1.0', 'app 1.0'],
    ['team/deep/app:latest', 'team/deep/app latest'],
    ['docker.io/library/nginx:1', 'docker.io/library/nginx 1'],
    ['host:5000/app:1', 'host:5000/app 1'],
    ['./team.a/app:1', './team.a/app 1'],
  ])('%p is %s', (text, parsed) => {
    expect(textOf(parseImageTag(text))).toBe(parsed)
  })

  test.each([
    ['', 'TAG_INVALID'],
    ['app', 'TAG_INVALID'],
    ['team/app', 'TAG_INVALID'],
    ['host:5000/app', 'TAG_INVALID'],
    [':1', 'NAME_INVALID'],
    ['app:', 'TAG_INVALID'],
    ['app:1 0', 'TAG_INVALID'],
    ['app:1%2F0', 'TAG_INVALID'],
    ['team%2Fapp:1', 'NAME_INVALID'],
    ['../app:1', 'NAME_INVALID'],
    ['team//app:1', 'NAME_INVALID'],
    ['Team/app:1', 'NAME_INVALID'],
    [`app:${'1'.repeat(129)}`, 'TAG_INVALID'],
    [`${'a'.repeat(300)}:1`, 'NAME_INVALID'],
  ])('refuses %p (%s)', (text, code) => {
    expect(() => parseImageTag(text)).toThrow(expect.objectContaining({ code }))
  })
})

describe('an image with an address before it', () => {
  test.each([
    ['127.0.0.1:5055/team/app:1', 'team/app 1'],
    ['proxy/team/app:1', 'team/app 1'],
    ['proxy.example/team/deep/app:1', 'team/deep/app 1'],
    ['proxy.example/app:1', 'app 1'],
  ])('%p is %s', (text, parsed) => {
    expect(textOf(parseAddressedTag(text))).toBe(parsed)
  })

  test.each([
    ['app:1', 'TAG_INVALID'],
    ['team/app:1', 'NAME_INVALID'],
    ['proxy.example/team/app', 'TAG_INVALID'],
    ['', 'TAG_INVALID'],
  ])('refuses %p (%s)', (text, code) => {
    expect(() => parseAddressedTag(text)).toThrow(expect.objectContaining({ code }))
  })
})

test('a digest may be the bare hex of a SHA-256', () => {
  expect(parseLooseDigest(hex)).toBe(`sha256:${hex}`)
  expect(parseLooseDigest(`sha256:${hex}`)).toBe(`sha256:${hex}`)
  for (const text of ['', hex.slice(1), hex.toUpperCase(), `md5:${hex}`]) {
    expect(() => parseLooseDigest(text)).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }))
  }
})
