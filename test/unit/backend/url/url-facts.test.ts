import { expect, test } from '@jest/globals'
import { isSameContent, tagOfUrl, unlessSame, urlFacts } from '../../../../lib/backend/url/url-facts.ts'
import { codeOf } from '../../../../lib/base/index.ts'

const headers = { 'content-length': '5', etag: '"a"' }

function codeFor(more: Record<string, string>, status = 200) {
  try {
    urlFacts({ status, headers: { ...headers, ...more } })
    return undefined
  } catch (err) {
    return codeOf(err)
  }
}

test.each([
  { 'cache-control': 'max-age=5, Private' },
  { 'cache-control': 'private="x"' },
  { 'cache-control': 'no-store' },
  { 'set-cookie': 'a=b' },
  { vary: 'Accept-Encoding, Cookie' },
  { vary: '*' },
  { 'content-encoding': 'gzip' },
  { 'content-length': '' },
  { etag: '"'.padEnd(300, 'x') },
])('an answer with %j is not for everybody', (more) => {
  expect(codeFor(more)).toBe('URL_NOT_SHARED')
})

test.each([
  { 'cache-control': 'public, max-age=5' },
  { 'cache-control': 'no-cache' },
  { vary: 'accept-encoding, Origin' },
  { 'content-encoding': 'identity' },
])('an answer with %j is', (more) => {
  expect(codeFor(more)).toBeUndefined()
})

test('of a part, the length is that of the whole', () => {
  const part = { status: 206, headers: { ...headers, 'content-range': 'bytes 5-9/20', 'content-type': 'text/x' } }
  expect(urlFacts(part)).toEqual({ size: 20, etag: '"a"', lastModified: undefined, mediaType: 'text/x' })
  expect(codeFor({ 'content-range': 'bytes 5-9/*' }, 206)).toBe('URL_NOT_SHARED')
})

test.each([
  [{ size: 1, etag: '"a"' }, { size: 1, etag: 'W/"a"' }, true],
  [{ size: 1, etag: '"a"' }, { size: 1, etag: '"b"' }, false],
  [{ size: 1, etag: '"a"' }, { size: 2, etag: '"a"' }, false],
  [{ size: 1, etag: '"a"', lastModified: 'x' }, { size: 1, lastModified: 'x' }, false],
  [{ size: 1, lastModified: 'x' }, { size: 1, lastModified: 'x' }, true],
  [{ size: 1, lastModified: 'x' }, { size: 1, lastModified: 'y' }, false],
])('%j and %j are the same content: %s', (one, other, isSame) => {
  expect(isSameContent(one, other)).toBe(isSame)
})

test('clients know content by the strong tag of the web server, or by one made of all that it says', () => {
  expect(tagOfUrl({ size: 1, etag: '"a-b"' })).toBe('a-b')
  const others = ['W/"a"', '"a,b"', '"*"', 'a', '""'].map((etag) => tagOfUrl({ size: 1, etag }))
  expect(others).toEqual(others.map(() => expect.stringMatching(/^[0-9a-f]{32}$/)))
  expect(new Set([...others, tagOfUrl({ size: 2, etag: 'W/"a"' })]).size).toBe(others.length + 1)
})

test('a server is asked by the tag, or else by the date', () => {
  expect(unlessSame(undefined)).toEqual({})
  expect(unlessSame({ size: 1, etag: 'W/"a"', lastModified: 'x' })).toEqual({ 'if-none-match': 'W/"a"' })
  expect(unlessSame({ size: 1, lastModified: 'x' })).toEqual({ 'if-modified-since': 'x' })
})
