import { expect, test } from '@jest/globals'
import { parseConfig } from '../../../lib/config/index.ts'
import { proxySchema } from '../../../services/proxy/config.ts'

const rule = { who: ['user:ann'], repositories: ['team/*'], actions: ['pull'] }
const caller = { name: 'deploy', claims: { repository: 'org/app' } }
const issuer = { issuer: 'https://token.example.com', audience: 'us', callers: [caller] }

test.each([
  [{ rules: [{ ...rule, who: ['ann'] }] }, /a caller is anonymous/],
  [{ rules: [{ ...rule, who: [] }] }, /who/],
  [{ rules: [{ ...rule, actions: ['fly'] }] }, /actions/],
  [{ rules: [{ ...rule, repositories: ['Team/*'] }] }, /lower-case/],
  [{ bearer: { lifetime: '30s' } }, /1m to 1d/],
  [{ bearer: { service: 'with "quotes"' } }, /letters/],
  [{ ci: [{ ...issuer, issuer: 'http://token.example.com' }] }, /must be https/],
  [{ ci: [{ ...issuer, keys: 'http://token.example.com/keys' }] }, /must be https/],
  [{ ci: [{ ...issuer, callers: [{ name: 'deploy', claims: {} }] }] }, /everybody of the issuer/],
  [{ ci: [issuer, { ...issuer, issuer: 'https://other.example.com' }] }, /share a name/],
])('%j is refused', (access, reason) => {
  expect(() => parseConfig(proxySchema, { registry: { access } })).toThrow(reason)
})

test('issuers and rules are taken as they are', () => {
  const { access } = parseConfig(proxySchema, {
    registry: { access: { rules: [rule], ci: [{ ...issuer, issuer: 'http://127.0.0.1:8080/' }] } },
  }).registry
  expect([access.rules, access.ci[0]?.issuer]).toEqual([[rule], 'http://127.0.0.1:8080/'])
})
