import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { type GivenCaller, givenCallers, tokenHash } from '../../../lib/identity/index.ts'

const grants = [{ repositories: ['team/*'], actions: ['pull'] }] as const
const [OF_ANN, OF_CI] = ['shoal_of-ann', 'shoal_of-ci']
const ann: GivenCaller = { kind: 'user', name: 'ann', sha256: tokenHash(OF_ANN), disabled: false, grants }
const ci: GivenCaller = { kind: 'token', name: 'ci', sha256: tokenHash(OF_CI), disabled: false, grants }
const clock = fakeClock()

const basic = (user: string, password: string) => ({ kind: 'basic', user, password }) as const
const bearer = (token: string) => ({ kind: 'bearer', token }) as const

describe('those whom a manager has given', () => {
  test('a user shows the text of his name, a token shows its own with any name or with none', () => {
    const callers = givenCallers(clock, [ann, ci])
    const nameOf: typeof callers.nameOf = (shown) => callers.nameOf(shown)
    expect(nameOf(basic('ann', OF_ANN))).toBe('user:ann')
    expect(nameOf(basic('ben', OF_ANN))).toBeUndefined()
    expect(nameOf(bearer(OF_ANN))).toBeUndefined()
    expect(nameOf(basic('anybody', OF_CI))).toBe('token:ci')
    expect(nameOf(bearer(OF_CI))).toBe('token:ci')
    expect(nameOf(basic('ann', 'shoal_guessed'))).toBeUndefined()
    expect(nameOf(basic('ann', ann.sha256))).toBeUndefined()
    expect(nameOf({ kind: 'none' })).toBeUndefined()
  })

  test('who is disabled or over proves nothing and may do nothing, and still holds the name', () => {
    const nowMs = clock.now()
    const over = { ...ci, expiresAtMs: nowMs }
    const given = givenCallers(clock, [{ ...ann, disabled: true }, over])
    expect([given.nameOf(basic('ann', OF_ANN)), given.nameOf(bearer(OF_CI))]).toEqual([undefined, undefined])
    expect([given.rightsOf('user:ann'), given.rightsOf('token:ci')]).toEqual([undefined, undefined])
    expect([given.holds('user:ann'), given.holds('token:ci'), given.holds('token:ann')]).toEqual([true, true, false])
    expect(givenCallers(clock, [{ ...ci, expiresAtMs: nowMs + 1 }]).nameOf(bearer(OF_CI))).toBe('token:ci')
  })

  test('another text makes another stamp, which tells nothing of the hash', () => {
    const before = givenCallers(clock, [ann]).rightsOf('user:ann')
    const after = givenCallers(clock, [{ ...ann, sha256: tokenHash('shoal_new') }]).rightsOf('user:ann')
    expect(before?.grants).toEqual(grants)
    expect(before?.stamp).not.toBe(after?.stamp)
    expect(ann.sha256).not.toContain(before?.stamp)
  })
})
