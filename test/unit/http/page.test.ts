import { describe, expect, test } from '@jest/globals'
import { nextLink, pageRequest } from '../../../lib/http/index.ts'

const limits = { max: 1000, usual: 100 }

describe('pageRequest', () => {
  test.each([
    ['', { count: 100, last: undefined }],
    ['n=7&last=a%2Fb', { count: 7, last: 'a/b' }],
    ['n=0&last=', { count: 0, last: undefined }],
    ['n=1000', { count: 1000, last: undefined }],
    ['n=1001', { count: 1000, last: undefined }],
  ])('reads %p', (query, expected) => {
    expect(pageRequest(new URLSearchParams(query), limits)).toEqual(expected)
  })

  test.each(['n=', 'n=-1', 'n=ten', 'n=1.5', 'n=%2B1', 'n=1e3', 'n=0x10', `n=${'9'.repeat(16)}`])(
    'refuses %p as a page size',
    (query) => {
      const refused = expect.objectContaining({ code: 'PAGINATION_NUMBER_INVALID' })
      expect(() => pageRequest(new URLSearchParams(query), limits)).toThrow(refused)
    },
  )

  test('refuses a page size below the least of the list', () => {
    const refused = expect.objectContaining({ code: 'PAGINATION_NUMBER_INVALID' })
    expect(() => pageRequest(new URLSearchParams('n=0'), { ...limits, least: 1 })).toThrow(refused)
  })
})

describe('nextLink', () => {
  test('leads behind the last item, whatever stands in it', () => {
    const { link } = nextLink('/list', ['a', 'b&n=9/c'], { more: true })
    const { searchParams } = new URL(/^<(.+)>; rel="next"$/.exec(String(link))?.[1] ?? '', 'http://a.test')
    expect(pageRequest(searchParams, limits)).toEqual({ count: 2, last: 'b&n=9/c' })
  })

  test('is not there after the last page, nor after an empty one', () => {
    expect(nextLink('/list', ['a'], { more: false })).toEqual({})
    expect(nextLink('/list', [], { more: true })).toEqual({})
  })
})
