import { describe, expect, test } from '@jest/globals'
import { compareSync } from 'bcryptjs'
import { parsePasswordFile } from '../../../lib/identity/password-file.ts'
import { standIn } from '../../../lib/identity/user-directory.ts'
import { passwordLine } from '../../kit/registry-access.ts'

const costOf = (hash: string) => Number(hash.slice(4, 6))

describe('the hash for a user who does not exist', () => {
  const users = parsePasswordFile([passwordLine('ann', 'of ann', 4), passwordLine('bob', 'of bob', 5)].join('\n'))
  const names = Array.from({ length: 200 }, (_, i) => `nobody-${i}`)

  test('costs what that of some user does, for each name always the same, so that time tells of no user', () => {
    const costs = names.map((name) => costOf(standIn(users, name)))
    expect(new Set(costs)).toEqual(new Set([4, 5]))
    expect(names.map((name) => costOf(standIn(users, name)))).toEqual(costs)
    expect(costs.filter((cost) => cost === 4).length).toBeGreaterThan(60)
  })

  test('is a real one where there are no users, and of no password', () => {
    const hash = standIn(new Map(), 'ann')
    expect(costOf(hash)).toBe(10)
    expect(compareSync('', hash)).toBe(false)
  })
})
