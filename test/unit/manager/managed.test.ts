import { describe, expect, test } from '@jest/globals'
import type { Principal } from '../../../lib/identity/index.ts'
import { hasNeed } from '../../../services/manager/managed.ts'

const anonymous: Principal = { name: 'anonymous', rights: [] }
const granted = (resource: string, action: string): Principal => ({
  name: 'user:ada',
  rights: [],
  grants: [{ resource, action }],
})
const read = { resource: 'jobs', action: 'read' } as const
const write = { resource: 'jobs', action: 'write' } as const

describe('what a route of a manager needs', () => {
  test.each([
    ['nobody', anonymous, [false, false, false, true]],
    ['a secret to look', { name: 'adminRead', rights: ['inspect'] }, [true, false, true, true]],
    ['a secret of admins', { name: 'admin', rights: ['inspect', 'admin'] }, [true, true, true, true]],
    ['who may read jobs', granted('jobs', 'read'), [true, false, true, true]],
    ['who may write jobs', granted('jobs', 'write'), [true, true, true, true]],
    ['who may do all with jobs', granted('jobs', '*'), [true, true, true, true]],
    ['who may read all', granted('*', 'read'), [true, false, true, true]],
    ['who may do something else', granted('users', '*'), [false, false, true, true]],
    ['who has nothing yet', { name: 'user:ada', rights: [], grants: [] }, [false, false, true, true]],
    ['a secret of nodes', { name: 'node', rights: ['read', 'announce'] }, [false, false, false, true]],
  ] as const)('%s: read, write, signed in, anybody', (_who, principal, wanted) => {
    expect([read, write, 'self' as const, 'none' as const].map((needs) => hasNeed(principal, needs))).toEqual(wanted)
  })
})
