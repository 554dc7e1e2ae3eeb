import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ownRepository, parseRegistryHost, parseRepositoryName } from '../../../lib/core/index.ts'
import { uploadStates } from '../../../lib/registry/signed-upload-state.ts'

const states = uploadStates('a secret')
const repository = ownRepository(parseRepositoryName('a/b'))
const session = { id: 'id-1', member: 'origin-2', size: 12_345 }
const unknown = expect.objectContaining({ code: 'BLOB_UPLOAD_UNKNOWN' })

describe('upload states', () => {
  test('what was signed comes back, also from another process with the same secret', () => {
    const state = states.sign(repository, session)
    expect(uploadStates('a secret').verify(repository, 'id-1', state)).toEqual(session)
    expect(uploadStates(Buffer.from('a secret')).verify(repository, 'id-1', state)).toEqual(session)
  })

  test('it is safe in a query', () => {
    expect(states.sign(repository, session)).toMatch(/^[\w.-]+$/)
  })

  test('another secret, session or repository is unknown', () => {
    const state = states.sign(repository, session)
    expect(() => uploadStates('another').verify(repository, 'id-1', state)).toThrow(unknown)
    expect(() => states.verify(repository, 'id-2', state)).toThrow(unknown)
    const name = parseRepositoryName('a/c')
    expect(() => states.verify({ ...repository, name }, 'id-1', state)).toThrow(unknown)
    const registry = parseRegistryHost('docker.io')
    expect(() => states.verify({ ...repository, registry }, 'id-1', state)).toThrow(unknown)
  })

  test.each(['', '.', '..', 'a.b', 'a'.repeat(3000), '%', `${'a'.repeat(40)}.${'b'.repeat(43)}`])(
    '"%s" is unknown',
    (state) => {
      expect(() => states.verify(repository, 'id-1', state)).toThrow(unknown)
    },
  )

  test('no change of one character passes', () => {
    const state = states.sign(repository, session)
    const dot = state.indexOf('.')
    // Base64 ignores two bits of the tag's last character.
    const places = fc.integer({ min: 0, max: state.length - 2 }).filter((at) => at !== dot)
    fc.assert(
      fc.property(places, fc.constantFrom('A', 'b', '0', '_'), (at, letter) => {
        fc.pre(state[at] !== letter)
        const forged = state.slice(0, at) + letter + state.slice(at + 1)
        expect(() => states.verify(repository, 'id-1', forged)).toThrow(unknown)
      }),
      { seed: 3, numRuns: 200 },
    )
  })
})
