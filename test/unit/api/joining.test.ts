import { expect, test } from '@jest/globals'
import { joiningCalls } from '../../../lib/api/index.ts'

const bodyWith = (admin: string) => ({
  ...{ kind: 'tracker', member: 't', key: 'k'.repeat(32), version: '1', uptimeMs: 0 },
  urls: { ops: 'http://127.0.0.1:1', admin },
})

test.each([
  ['http://10.0.0.1:65535', true],
  ['https://[::1]:2', true],
  ['http://h:99999', false],
  ['http://[::1', false],
  ['http://a:b', false],
  ['http://h:1/path', false],
])('a member that says it is at %s is taken: %s', (admin, isTaken) => {
  expect(joiningCalls.join.body.safeParse(bodyWith(admin)).success).toBe(isTaken)
})
