import { z } from 'zod'
import { adminCall } from '../admin.ts'
import { list, text } from '../bounded.ts'
import { managerCall } from './manager-call.ts'
import {
  givingCodes,
  grantsSchema,
  MAX_NAME,
  MAX_ROWS,
  MAX_TITLE,
  paging,
  roleSchema,
  tokenSchema,
} from './people-shapes.ts'

const roles = {
  roles: managerCall(
    { resource: 'roles', action: 'read' },
    adminCall({
      method: 'GET',
      path: '/api/v1/roles',
      summary: 'all roles, and what each may do',
      answer: z.object({ roles: list(roleSchema, MAX_ROWS) }),
    }),
  ),
  setRole: managerCall(
    { resource: 'roles', action: 'write' },
    adminCall({
      method: 'PUT',
      path: '/api/v1/roles/:role',
      summary: 'makes a role, or changes what it may do; If-Match of what was seen is obeyed',
      body: z.strictObject({ what: text(MAX_TITLE).default(''), grants: grantsSchema }),
      answer: roleSchema,
      codes: [...givingCodes, 'ROLE_FIXED', 'PEOPLE_FULL', 'CHANGED_MEANWHILE'],
    }),
  ),
  removeRole: managerCall(
    { resource: 'roles', action: 'write' },
    adminCall({
      method: 'DELETE',
      path: '/api/v1/roles/:role',
      summary: 'removes a role that nobody has',
      codes: ['ROLE_UNKNOWN', 'ROLE_FIXED', 'ROLE_USED', 'RIGHTS_EXCEEDED'],
    }),
  ),
}

const tokens = {
  tokens: managerCall(
    { resource: 'tokens', action: 'read' },
    adminCall({
      method: 'GET',
      path: '/api/v1/tokens',
      summary: 'the tokens of all users, without their texts, page by page',
      query: paging,
      codes: ['PAGINATION_NUMBER_INVALID'],
      answer: z.object({ tokens: list(tokenSchema, MAX_ROWS), next: text(MAX_NAME).optional() }),
    }),
  ),
  revokeToken: managerCall(
    { resource: 'tokens', action: 'write' },
    adminCall({
      method: 'DELETE',
      path: '/api/v1/tokens/:token',
      summary: 'revokes a token of anybody',
      codes: ['NOT_FOUND'],
    }),
  ),
}

/** What roles may do, and the tokens of everybody. */
export const rightCalls = { ...roles, ...tokens }
