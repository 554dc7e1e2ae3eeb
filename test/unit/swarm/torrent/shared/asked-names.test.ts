import { expect, test } from '@jest/globals'
import { digestOf, parseRepository } from '../../../../../lib/core/index.ts'
import { askedNames } from '../../../../../lib/swarm/torrent/shared/asked-names.ts'

const digest = digestOf(Buffer.from('a'))
const named = (name: string) => ({ digest, repository: parseRepository(name) })

/** The names that are asked, one after the other, when each of them fails. */
function tried(names: ReturnType<typeof askedNames>, times: number): readonly string[] {
  return Array.from({ length: times }, () => {
    const asked = names.current
    names.failed(asked)
    return asked.repository.name
  })
}

test('one name is asked again and again', () => {
  expect(tried(askedNames(named('a')), 3)).toEqual(['a', 'a', 'a'])
})

test('the name that gave something is every second one, the others take turns', () => {
  const names = askedNames(named('a'))
  for (const name of ['b', 'a', 'c', 'b']) names.add(named(name))
  expect(tried(names, 6)).toEqual(['a', 'b', 'a', 'c', 'a', 'b'])
  const given = names.current
  expect(given.repository.name).toBe('a')
  names.failed(given)
  names.gave(names.current)
  expect(tried(names, 4)).toEqual(['c', 'a', 'c', 'b'])
})

test('a failure under a name that is no longer asked changes nothing', () => {
  const names = askedNames(named('a'))
  for (const name of ['b', 'c']) names.add(named(name))
  const late = names.current
  names.failed(late)
  names.failed(late)
  expect(names.current.repository.name).toBe('b')
})

test('so many names are remembered, and no more', () => {
  const names = askedNames(named('first'))
  for (let i = 0; i < 40; i += 1) names.add(named(`other${i}`))
  expect(new Set(tried(names, 200)).size).toBe(16)
})
