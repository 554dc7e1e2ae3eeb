import { describe, expect, test } from '@jest/globals'
import { upstreamRulesSchema } from '../../../../lib/backend/index.ts'

const messagesOf = (rules: unknown) =>
  upstreamRulesSchema.safeParse(rules).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []

describe('rules for upstreams', () => {
  test.each([
    ['any registry', [{ registry: '*' }]],
    ['one, and then any', [{ registry: 'docker.io', username: 'me', password: 'secret' }, { registry: '*' }]],
    ['one with a port', [{ registry: 'localhost:5000', plainHttp: true, url: 'http://localhost:5000/mirror' }]],
    ['logins of docker for any', [{ registry: '*.example.com', dockerConfig: '/root/.docker/config.json' }]],
  ])('take %s', (_, rules) => {
    expect(messagesOf(rules)).toEqual([])
  })

  test.each([
    [
      'a password for any registry',
      [{ registry: '*', username: 'me', password: 'secret' }],
      /^0: a password is for one/,
    ],
    ['a URL for any registry', [{ registry: '*.io', url: 'https://one.io' }], /^0: url is only for a rule of one/],
    ['a name without a password', [{ registry: 'ghcr.io', username: 'me' }], /must be given together/],
    [
      'two logins',
      [{ registry: 'a.io', username: 'u', password: 'p', dockerConfig: '/c' }],
      /either username and password/,
    ],
    [
      'a rule behind one that fits the same',
      [{ registry: '*' }, { registry: 'ghcr.io' }],
      /^1\.registry: is never reached/,
    ],
    ['a path in the name', [{ registry: 'ghcr.io/team' }], /^0\.registry: a registry is a host/],
    ['upper case', [{ registry: 'GHCR.io' }], /^0\.registry: a registry is a host/],
  ])('refuse %s', (_, rules, message) => {
    expect(messagesOf(rules)).toEqual([expect.stringMatching(message)])
  })
})
