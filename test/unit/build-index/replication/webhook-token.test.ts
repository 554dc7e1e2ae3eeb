import { createServer } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { toldTag } from '../../../../lib/api/index.ts'
import { systemClock } from '../../../../lib/base/index.ts'
import { digestOf, parseRepository, parseTag } from '../../../../lib/core/index.ts'
import { webhooksSchema } from '../../../../services/build-index/replication/config.ts'
import { webhook } from '../../../../services/build-index/replication/webhook.ts'
import { messageOf } from '../../../../services/build-index/replication/webhook-event.ts'
import { listening } from '../../../kit/listening.ts'

const token = 'a-token-of-some-manager'
const secret = 'the-secret-of-the-webhook'
const digest = digestOf(Buffer.from('one'))
const [repository, tag] = [parseRepository('team/app'), parseTag('1.0')]
const version = { atMs: 1_700_000_000_000, cluster: 'near' }
const told = (
  target: { readonly digest: typeof digest; readonly mediaType: string; readonly size: number } | undefined,
) => messageOf({ cluster: 'near', repository, tag, record: { target, version } })

const hook = (given: object) => webhooksSchema.safeParse({ it: { url: 'http://127.0.0.1:1', ...given } })

describe('a webhook that shows a token', () => {
  test.each([
    ['a token', { token }, { authorization: `Bearer ${token}`, 'webhook-signature': undefined }],
    ['a secret', { secret }, { authorization: undefined, 'webhook-signature': expect.stringMatching(/^v1,/) }],
    [
      'both',
      { secret, token },
      { authorization: `Bearer ${token}`, 'webhook-signature': expect.stringMatching(/^v1,/) },
    ],
  ])('shows what it has: %s', async (_, given, headers) => {
    const seen: Record<string, unknown>[] = []
    const server = await listening(
      createServer((req, res) => {
        seen.push(req.headers)
        req.resume()
        res.writeHead(204).end()
      }),
    )
    const config = webhooksSchema.parse({ it: { url: server.url, ...given } })['it']
    if (config === undefined) throw new TypeError('no config')
    const it = webhook({ clock: systemClock() }, 'it', config)
    await it.start()
    await it.post(told(undefined))
    await it.stop()
    await server[Symbol.asyncDispose]()
    expect(seen[0]).toMatchObject({ 'webhook-id': told(undefined).id })
    const [first = {}] = seen
    expect({ authorization: first['authorization'], 'webhook-signature': first['webhook-signature'] }).toEqual(headers)
  })

  test('needs one of token and secret, and shows no token to the network', () => {
    expect(hook({}).error?.issues[0]?.message).toMatch(/give secret/)
    expect(hook({ token }).success).toBe(true)
    const far = { url: 'http://manager.example.com/api/v1/events', token }
    expect(hook(far).error?.issues[0]?.message).toMatch(/plain HTTP would show the token/)
    expect(hook({ ...far, insecure: true }).success).toBe(true)
    expect(hook({ ...far, url: 'https://manager.example.com/api/v1/events' }).success).toBe(true)
  })

  test('posts what whoever reads it understands: what was set, and that a tag is gone', () => {
    const target = { digest, mediaType: 'a/b', size: 3 }
    expect(toldTag(JSON.parse(told(target).body))).toEqual({ event: 'push', target: { repository, digest, tag } })
    expect(toldTag(JSON.parse(told(undefined).body))).toEqual({ event: 'delete', target: undefined })
    expect(toldTag({ events: [] })).toBeUndefined()
    const wrong = { type: 'push', data: { repository: 'team/app', tag: '1.0', digest: 'sha256:no' } }
    expect(() => toldTag(wrong)).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
  })
})
