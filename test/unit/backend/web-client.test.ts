import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { sendWeb } from '../../../lib/backend/web/web-client.ts'
import type { HttpClient, HttpRequest } from '../../../lib/http/index.ts'

/** Redirects once to `location`, then answers 200. */
function redirecting(location: string) {
  const requests: HttpRequest[] = []
  const http: HttpClient = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    async request(request) {
      requests.push(request)
      const [status, headers] = requests.length === 1 ? [307, { location }] : [200, {}]
      const unread = () => Promise.reject(new Error('nobody reads it'))
      return { status, headers, body: Readable.from([]), bytes: unread, json: unread, discard: () => Promise.resolve() }
    },
  }
  return { http, requests }
}

const credentials = { authorization: 'secret' }

describe('a redirect', () => {
  test.each([['http://store.test/other'], ['ftp://store.test/other'], ['file:///etc/passwd'], ['https://']])(
    'from https to %s is not followed',
    async (location) => {
      const { http, requests } = redirecting(location)
      const sending = sendWeb(http, { method: 'GET', url: 'https://store.test/a', credentials })
      await expect(sending).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
      expect(requests).toHaveLength(1)
    },
  )

  test.each([
    ['/b?c=d', 'https://store.test/b?c=d', credentials],
    ['https://store.test:444/b', 'https://store.test:444/b', {}],
    ['https://cdn.test/b', 'https://cdn.test/b', {}],
  ])('to %s goes to %s with %j', async (location, url, shown) => {
    const { http, requests } = redirecting(location)
    const answer = await sendWeb(http, { method: 'GET', url: 'https://store.test/a', credentials })
    expect(answer).toMatchObject({ status: 200, url })
    expect(requests[1]?.headers).toEqual(shown)
  })

  test.each([301, 302, 303])('of an upload by %i is an answer, for it would change the method', async (status) => {
    const { http, requests } = redirecting('/b')
    const moved: HttpClient = { ...http, request: async (request) => ({ ...(await http.request(request)), status }) }
    expect(await sendWeb(moved, { method: 'PUT', url: 'https://store.test/a' })).toMatchObject({ status })
    expect(requests).toHaveLength(1)
  })
})
