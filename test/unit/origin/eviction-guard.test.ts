import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { type Digest, digestOf } from '../../../lib/core/index.ts'
import type { BlobInspection } from '../../../lib/store/index.ts'
import { evictionGuard } from '../../../services/origin/upkeep/eviction-guard.ts'

type Looked = ReturnType<BlobInspection['look']>

function setUp(mayGo: boolean) {
  const clock = fakeClock()
  const asked: Digest[] = []
  const mayEvict = evictionGuard({
    clock,
    store: { look: (digest) => ({ digest, size: 1 }) as Looked },
    copies: {
      mayGo: async ({ digest }) => {
        asked.push(digest)
        return mayGo
      },
    },
  })
  return { clock, asked, mayEvict }
}

const digest = digestOf(Buffer.from('a'))

test('that a blob must stay is believed for half a minute, so that not every write asks for it', async () => {
  const { clock, asked, mayEvict } = setUp(false)
  expect(await mayEvict(digest)).toBe(false)
  await clock.advance(29_999)
  expect(await mayEvict(digest)).toBe(false)
  expect(asked).toHaveLength(1)
  await clock.advance(1)
  expect(await mayEvict(digest)).toBe(false)
  expect(asked).toHaveLength(2)
})

test('that a blob may go is asked each time', async () => {
  const { asked, mayEvict } = setUp(true)
  expect([await mayEvict(digest), await mayEvict(digest)]).toEqual([true, true])
  expect(asked).toHaveLength(2)
})
