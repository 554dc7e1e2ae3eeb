import { expect, test } from '@jest/globals'
import { plainMessage } from '../../../../services/build-index/replication/plain-message.ts'

test.each([
  ['two\nlines\r\n\u001b[31mred\u202e', 'two lines [31mred'],
  ['see http://user:pass@host.example/a/b?X-Signature=abc&more#part now', 'see http://host.example/a/b now'],
  ['got Bearer abc.def-ghi, not Basic dXNlcg==', 'got Bearer ..., not Basic ...'],
  ['you sent the-far-secret to me', 'you sent ... to me'],
  ['x'.repeat(5000), `${'x'.repeat(297)}...`],
])('what another cluster says is shown as one bounded line without credentials: %j', (text, shown) => {
  expect(plainMessage(text, 'the-far-secret')).toBe(shown)
})
