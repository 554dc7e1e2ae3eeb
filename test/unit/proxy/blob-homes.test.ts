import { expect, test } from '@jest/globals'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { blobHomes } from '../../../services/proxy/blob-homes.ts'

const [a, b, c, d] = ['team/a', 'team/b', 'team/c', 'team/d'].map(parseRepository) as [R, R, R, R]
type R = ReturnType<typeof parseRepository>
const digestFor = (text: string) => digestOf(Buffer.from(text))
const blob = digestFor('blob')

test('the repositories of a blob are the latest three, each once, the latest first', () => {
  const homes = blobHomes()
  for (const each of [a, b, b, a, c]) homes.note(each, blob)
  expect(homes.of(blob)).toEqual([c, a, b])
  homes.note(d, blob)
  expect(homes.of(blob)).toEqual([d, c, a])
  expect(homes.of(digestFor('another'))).toEqual([])
})

test('repositories that the caller may not see take no place among those that he is given', () => {
  const homes = blobHomes()
  const hidden = Array.from({ length: 40 }, (_, i) => parseRepository(`hidden/${i}`))
  for (const each of [a, b, ...hidden]) homes.note(each, blob)
  const admits = ({ name }: R) => name.startsWith('team/')
  expect(homes.of(blob, admits)).toEqual([b, a])
  expect(homes.of(blob)).toHaveLength(3)
})

test('one that has not the blob any more is forgotten, and the others are not', () => {
  const homes = blobHomes()
  for (const each of [a, b]) homes.note(each, blob)
  homes.forget(b, blob)
  expect(homes.of(blob)).toEqual([a])
  homes.forget(a, blob)
  expect(homes.of(blob)).toEqual([])
})

test('of very many blobs those that were not asked for are forgotten', () => {
  const homes = blobHomes()
  homes.note(a, blob)
  const long = parseRepository(`team/${'x'.repeat(200)}`)
  for (let i = 0; i < 40_000; i += 1) {
    homes.note(long, digestFor(String(i)))
    if (i % 1000 === 0) homes.of(blob)
  }
  expect(homes.of(blob)).toEqual([a])
  const kept = Array.from({ length: 40_000 }, (_, i) => homes.of(digestFor(String(i)))).filter(
    ({ length }) => length > 0,
  )
  expect(kept.length).toBeGreaterThan(10_000)
  expect(kept.length).toBeLessThan(20_000)
})
