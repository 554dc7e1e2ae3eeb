import { createHmac } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { digestOf, parseRepository, parseTag } from '../../../../lib/core/index.ts'
import { messageOf, type ToldTag } from '../../../../services/build-index/replication/webhook-event.ts'
import { isSigningSecret, signatureHeaders } from '../../../../services/build-index/replication/webhook-signature.ts'

const target = { digest: digestOf(Buffer.from('one')), mediaType: 'a/b', size: 3 }
const told = (given: Partial<ToldTag['record']> = {}): ToldTag => ({
  ...{ cluster: 'near', repository: parseRepository('team/app'), tag: parseTag('1.0') },
  record: { target, version: { atMs: 1_700_000_000_000, cluster: 'near' }, ...given },
})

describe('a message', () => {
  test.each([
    ['a tag that was set here', told(), 'push', undefined],
    ['one of a time before versions', told({ version: { atMs: 0, cluster: '' } }), 'push', undefined],
    ['one that another cluster set', told({ version: { atMs: 5, cluster: 'far' } }), 'replicated', 'far'],
    ['one that was deleted here', told({ target: undefined }), 'delete', undefined],
    [
      'one that was deleted elsewhere',
      told({ target: undefined, version: { atMs: 5, cluster: 'far' } }),
      'delete',
      'far',
    ],
  ] as const)('tells %s', (_, tag, event, from) => {
    const message = messageOf(tag)
    expect(message.event).toBe(event)
    const { type, data } = JSON.parse(message.body)
    expect(type).toBe(event)
    expect(data).toEqual({
      ...{ cluster: 'near', repository: 'team/app', tag: '1.0' },
      ...(from !== undefined && { from }),
      ...tag.record.target,
    })
  })

  test('has the id of its version: the same when it is told again, another one for every other change', () => {
    const others = [
      told({ version: { atMs: 1_700_000_000_001, cluster: 'near' } }),
      told({ version: { atMs: 1_700_000_000_000, cluster: 'far' } }),
      told({ target: undefined }),
      { ...told(), tag: parseTag('1.1') },
      { ...told(), repository: parseRepository('team/other') },
    ]
    expect(messageOf(told()).id).toBe(messageOf(told()).id)
    expect(new Set([told(), ...others].map((each) => messageOf(each).id)).size).toBe(others.length + 1)
  })
})

describe('a signature', () => {
  const parts = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', atMs: 1_614_265_330_999, body: '{"test": 2432232314}' }

  test('is that of the specification of webhooks', () => {
    expect(signatureHeaders(parts, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).toEqual({
      'webhook-id': parts.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  test.each([
    ['the-secret-of-the-webhook', true],
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', true],
    ['whsec_this is no base64 at all', false],
    ['whsec_', false],
    ['whsec_c2hvcnQ=', false],
  ])('is made with %s: %p', (text, isOne) => {
    expect(isSigningSecret(text)).toBe(isOne)
  })

  test('is there for each of two secrets, the words of which are the key', () => {
    const by = (secret: string) =>
      `v1,${createHmac('sha256', secret).update(`${parts.id}.1614265330.${parts.body}`).digest('base64')}`
    const signed = signatureHeaders(parts, ['the-old-secret-of-it', 'the-new-secret-of-it'])
    expect(signed['webhook-signature']).toBe(`${by('the-old-secret-of-it')} ${by('the-new-secret-of-it')}`)
  })
})
