import { Readable } from 'node:stream'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { type RangeAsk, type RangedWeb, rangedWeb } from '../../../lib/backend/web/ranged-web.ts'
import type { WebAnswer } from '../../../lib/backend/web/web-client.ts'
import { appError, type FakeClock, fakeClock } from '../../../lib/base/index.ts'

const object = { id: 'https://host.example/file', host: 'host.example' }
const range = { start: 0, end: 10 }
const PLACE = 'https://store.example/file?signed'

interface Said {
  readonly status?: number
  readonly url?: string
  readonly size?: number
}

function answer({ status = 206, url = object.id, size = 100 }: Said = {}): WebAnswer {
  const part = status === 206 ? { 'content-range': `bytes 0-9/${size}`, 'content-length': '10' } : undefined
  const body = Readable.from([])
  return {
    ...{ status, url, isRedirected: url !== object.id, body },
    headers: { etag: '"one"', ...(part ?? { 'content-length': String(size) }) },
    bytes: () => Promise.resolve(new Uint8Array()),
    json: () => Promise.resolve(undefined),
    discard: () => Promise.resolve(void body.destroy()),
  }
}

let clock: FakeClock
let web: RangedWeb
let asked: string[]

/** Answers of the usual place, and of that to which a redirect led; what is thrown is thrown. */
function ask(usual: Said, there: Said | Error = {}): RangeAsk {
  return {
    usual(headers) {
      asked.push(`usual${headers['if-match'] ?? ''}`)
      return Promise.resolve(answer(usual))
    },
    there(_, headers) {
      asked.push(`there${headers['if-match'] ?? ''}`)
      if (there instanceof Error) return Promise.reject(there)
      return Promise.resolve(answer({ url: PLACE, ...there }))
    },
  }
}

beforeEach(() => {
  clock = fakeClock()
  web = rangedWeb(clock)
  asked = []
})

test('a host that ignores ranges is believed to for ten minutes', async () => {
  expect(web.begin(object)).toMatchObject({ isUnproven: true })
  await web.get(object, range, ask({ status: 200 }))
  expect(web.begin(object)).toEqual({})
  await clock.advance(10 * 60_000 - 1)
  expect(web.begin({ ...object, id: 'another file' })).toEqual({})
  await clock.advance(1)
  expect(web.begin(object)).toMatchObject({ isUnproven: true })
})

test('a host that answers a range of all bytes with all bytes does not ignore ranges', async () => {
  web.begin(object)
  await web.get(object, range, ask({ status: 200, size: 10 }))
  expect(web.begin(object)).toMatchObject({ isUnproven: true })
})

describe('the place to which a redirect led', () => {
  const redirected: Said = { url: PLACE }
  const ends: readonly (readonly [string, Said | Error, boolean, string])[] = [
    ['fails with a status of the store', { status: 500 }, false, 'BACKEND_UNAVAILABLE'],
    ['cannot be reached', appError('BACKEND_UNAVAILABLE'), false, 'BACKEND_UNAVAILABLE'],
    ['asks to slow down', { status: 429 }, true, 'BACKEND_THROTTLED'],
  ]

  test.each(ends)('when it %s: that is the answer, and where is asked next', async (_, end, isKept, code) => {
    await web.get(object, range, ask(redirected))
    await expect(web.get(object, range, ask(redirected, end))).rejects.toMatchObject({ code })
    await web.get(object, range, ask(redirected))
    expect(asked).toEqual(['usual', 'there', isKept ? 'there' : 'usual'])
  })

  test.each([400, 401, 403, 404, 410])(
    'is over when it answers %i: the usual place is asked instead',
    async (status) => {
      await web.get(object, range, ask(redirected))
      expect((await web.get(object, range, ask(redirected, { status })))?.status).toBe(206)
      expect(asked).toEqual(['usual', 'there', 'usual'])
    },
  )

  test('is asked under the condition of what it gave; the usual place, whose versions are other ones, is not', async () => {
    web.begin(object)
    await web.get(object, range, ask(redirected))
    await web.get(object, range, ask(redirected))
    await web.get(object, range, ask(redirected, { status: 403 }))
    expect(asked).toEqual(['usual', 'there"one"', 'there"one"', 'usual'])
  })

  test('is forgotten with the object, and after ten minutes without a read', async () => {
    await web.get(object, range, ask(redirected))
    web.forget(object)
    await web.get(object, range, ask(redirected))
    await clock.advance(10 * 60_000)
    await web.get(object, range, ask(redirected))
    expect(asked).toEqual(['usual', 'usual', 'usual'])
  })
})

test('who has not begun to read an object is given whatever version is there', async () => {
  await web.get(object, range, ask({}))
  await web.get(object, range, ask({ size: 200 }))
  expect(asked).toEqual(['usual', 'usual'])
  web.begin(object)
  await web.get(object, range, ask({}))
  await expect(web.get(object, range, ask({ size: 200 }))).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  expect(asked.slice(2)).toEqual(['usual', 'usual"one"'])
})
