import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { isAppError } from '../../../lib/base/index.ts'
import {
  OWN_REGISTRY,
  parseRegistryHost,
  parseRepository,
  parseRepositoryName,
  type Repository,
  repositoryText,
  sameRepository,
} from '../../../lib/core/index.ts'

/** Few letters and few parts, so that names that look like hosts, and hosts that look like names, are common. */
const part = fc.constantFrom('a', 'b', 'a.b', 'b.a', 'localhost', 'own', 'a-b', '0', '10.0.0.1')
const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parseRepositoryName(parts.join('/')))
const host = fc
  .tuple(part, fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }))
  .map(([base, port]) => (port === undefined ? base : `${base}:${port}`))
  .filter((text) => /[.:]|^localhost$/.test(text))
  .map(parseRegistryHost)
const repository: fc.Arbitrary<Repository> = fc.record({
  registry: fc.oneof(fc.constant(OWN_REGISTRY), host),
  name,
})

const parsed = (text: string): Repository | undefined => {
  try {
    return parseRepository(text)
  } catch (err) {
    if (isAppError(err) && err.code === 'NAME_INVALID') return undefined
    throw err
  }
}

describe('the text form of a repository', () => {
  test('is read back as the same repository', () => {
    fc.assert(fc.property(repository, (one) => expect(parseRepository(repositoryText(one))).toEqual(one)))
  })

  test('is shared by no two repositories', () => {
    const pair = fc.tuple(repository, repository)
    fc.assert(
      fc.property(
        pair,
        ([one, other]) => sameRepository(one, other) === (repositoryText(one) === repositoryText(other)),
      ),
      { numRuns: 1000 },
    )
  })

  test('is the only text that is read: any other is refused with a code', () => {
    const unit = fc.constantFrom('a', 'A', '0', '/', './', '.', ':', '-', 'a.b/', 'localhost', ':5000/', '%', '\n')
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit, maxLength: 6 }))
    fc.assert(
      fc.property(text, (one) => {
        const read = parsed(one)
        return read === undefined || (repositoryText(read) === one && !read.name.includes(':'))
      }),
      { numRuns: 2000 },
    )
  })
})
