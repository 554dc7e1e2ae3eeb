import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../../lib/http/index.ts'
import { askedFor } from '../../../services/cli/get/asked-for.ts'
import { ContentSource } from '../../../services/cli/get/content-source.ts'

const bytes = Buffer.from('what lies there')
const told = `sha-256=:${Buffer.from(digestOf(bytes).slice(7), 'hex').toString('base64')}:`

/** An agent that has the content of this tag, and what it was asked. */
function agent() {
  const asked: HttpRequest[] = []
  const state = { etag: '"one"' }
  const answer = (status: number, headers: Record<string, string>, body: Uint8Array): HttpResponse => ({
    ...{ status, headers: { etag: state.etag, ...headers }, body: Readable.from([body]) },
    bytes: async () => body,
    json: async () => JSON.parse(Buffer.from(body).toString()) as unknown,
    discard: async () => undefined,
  })
  const http: Pick<HttpClient, 'request'> = {
    async request(request) {
      asked.push(request)
      const { range, 'if-match': wanted } = request.headers ?? {}
      if (wanted !== undefined && wanted !== state.etag) return answer(412, {}, Buffer.alloc(0))
      if (range === undefined) return answer(200, { 'content-length': '15', 'repr-digest': told }, bytes)
      return answer(206, { 'content-range': 'bytes 5-14/15' }, bytes.subarray(5))
    },
  }
  return { asked, state, http: http as HttpClient }
}

const url = 'https://models.example/a?b=c&d'

test('a URL is asked for by its name, and its digest is what the agent says', async () => {
  const { name } = await askedFor(`${url}#part`, {}, {})
  const { http, asked } = agent()
  const { body, digest, start, end } = await new ContentSource(http, 'http://agent', name).open(undefined, {})
  expect([await buffer(body), digest, start, end]).toEqual([bytes, digestOf(bytes), 0, 15])
  expect(asked[0]?.url).toBe(`http://agent/urls?url=${encodeURIComponent(url)}`)
  await expect(askedFor('https://me:secret@models.example/', {}, {})).rejects.toMatchObject({ code: 'URL_INVALID' })
})

test('goes on only with the content that it began with', async () => {
  const { name } = await askedFor(url, {}, {})
  const { http, state, asked } = agent()
  const source = new ContentSource(http, 'http://agent', name)
  await source.open(undefined, {})
  const { body, start, digest } = await source.open('5-14', {})
  expect([await buffer(body), start, digest]).toEqual([bytes.subarray(5), 5, undefined])
  expect(asked[1]?.headers).toMatchObject({ 'if-match': '"one"', range: 'bytes=5-14' })
  state.etag = '"two"'
  await expect(source.open('5-14', {})).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE', retryable: false })
})
