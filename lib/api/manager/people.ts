import { z } from 'zod'
import { adminCall } from '../admin.ts'
import { list, text } from '../bounded.ts'
import { managerCall } from './manager-call.ts'
import {
  givingCodes,
  grantsSchema,
  inviteSchema,
  MAX_NAME,
  MAX_PROVIDERS,
  MAX_ROWS,
  MAX_SHOWN,
  MAX_TITLE,
  meSchema,
  nameSchema,
  paging,
  passwordSchema,
  rolesSchema,
  sessionSchema,
  shownPassword,
  tokenSchema,
  userSchema,
} from './people-shapes.ts'

const next = text(MAX_NAME).optional()
const pageCodes = ['PAGINATION_NUMBER_INVALID'] as const

const signingIn = {
  signInWays: managerCall(
    'none',
    adminCall({
      method: 'GET',
      path: '/api/v1/sign-in',
      summary: 'by what people can sign in',
      answer: z.object({
        passwords: z.boolean(),
        providers: list(z.object({ name: text(MAX_NAME), title: text(MAX_TITLE) }), MAX_PROVIDERS),
      }),
    }),
  ),
  signIn: managerCall(
    'none',
    adminCall({
      method: 'POST',
      path: '/api/v1/sign-in',
      summary: 'opens a session; the answer sets its cookie',
      body: z.strictObject({ name: text(MAX_NAME).min(1), password: shownPassword }),
      answer: meSchema,
      codes: ['SIGN_IN_FAILED', 'TOOMANYREQUESTS'],
    }),
  ),
  openLink: managerCall(
    'none',
    adminCall({
      method: 'POST',
      path: '/api/v1/links/open',
      summary: 'uses a one-time link: the answer sets the cookie of a session',
      body: z.strictObject({
        /** What stands behind the # of the link. */
        link: text(MAX_SHOWN).min(1),
        /** Of the new user; a link that signs somebody in takes neither. */
        name: nameSchema.optional(),
        password: passwordSchema.optional(),
      }),
      answer: meSchema,
      codes: ['LINK_UNKNOWN', 'NAME_TAKEN', 'BODY_INVALID', 'TOOMANYREQUESTS'],
    }),
  ),
  signOut: managerCall(
    'self',
    adminCall({ method: 'POST', path: '/api/v1/sign-out', summary: 'ends the session of the caller' }),
  ),
}

const own = {
  me: managerCall(
    'self',
    adminCall({ method: 'GET', path: '/api/v1/me', summary: 'who is calling, and what he may do', answer: meSchema }),
  ),
  changePassword: managerCall(
    'self',
    adminCall({
      method: 'PUT',
      path: '/api/v1/me/password',
      summary: 'gives the caller another password, and ends his other sessions',
      body: z.strictObject({ old: shownPassword, new: passwordSchema }),
      codes: ['SESSION_REQUIRED', 'SIGN_IN_FAILED', 'TOOMANYREQUESTS'],
    }),
  ),
  mySessions: managerCall(
    'self',
    adminCall({
      method: 'GET',
      path: '/api/v1/me/sessions',
      summary: 'where the caller is signed in',
      answer: z.object({ sessions: list(sessionSchema, MAX_ROWS) }),
      codes: ['SESSION_REQUIRED'],
    }),
  ),
  endMySession: managerCall(
    'self',
    adminCall({
      method: 'DELETE',
      path: '/api/v1/me/sessions/:session',
      summary: 'ends a session of the caller',
      codes: ['SESSION_REQUIRED', 'NOT_FOUND'],
    }),
  ),
  myTokens: managerCall(
    'self',
    adminCall({
      method: 'GET',
      path: '/api/v1/me/tokens',
      summary: 'the tokens of the caller, without their texts',
      answer: z.object({ tokens: list(tokenSchema, MAX_ROWS) }),
      codes: ['USER_REQUIRED'],
    }),
  ),
  createToken: managerCall(
    'self',
    adminCall({
      method: 'POST',
      path: '/api/v1/me/tokens',
      summary: 'makes a token of the caller; its text is shown this once',
      body: z.strictObject({ name: nameSchema, grants: grantsSchema, expiresAtMs: z.number().int().positive() }),
      status: 201,
      answer: z.object({ token: text(MAX_SHOWN), kept: tokenSchema }),
      codes: [...givingCodes, 'USER_REQUIRED', 'NAME_TAKEN', 'PEOPLE_FULL'],
    }),
  ),
  revokeMyToken: managerCall(
    'self',
    adminCall({
      method: 'DELETE',
      path: '/api/v1/me/tokens/:token',
      summary: 'revokes a token of the caller',
      codes: ['USER_REQUIRED', 'NOT_FOUND', 'RIGHTS_EXCEEDED'],
    }),
  ),
}

const users = {
  users: managerCall(
    { resource: 'users', action: 'read' },
    adminCall({
      method: 'GET',
      path: '/api/v1/users',
      summary: 'all users by name, page by page',
      query: paging,
      codes: pageCodes,
      answer: z.object({ users: list(userSchema, MAX_ROWS), next }),
    }),
  ),
  user: managerCall(
    { resource: 'users', action: 'read' },
    adminCall({
      method: 'GET',
      path: '/api/v1/users/:user',
      summary: 'one user',
      answer: userSchema,
      codes: ['USER_UNKNOWN'],
    }),
  ),
  createUser: managerCall(
    { resource: 'users', action: 'write' },
    adminCall({
      method: 'POST',
      path: '/api/v1/users',
      summary: 'creates a user with a password; an invitation does without one',
      body: z.strictObject({ name: nameSchema, password: passwordSchema, roles: rolesSchema }),
      status: 201,
      answer: userSchema,
      codes: [...givingCodes, 'NAME_TAKEN', 'ROLE_UNKNOWN', 'PEOPLE_FULL', 'TOOMANYREQUESTS'],
    }),
  ),
  changeUser: managerCall(
    { resource: 'users', action: 'write' },
    adminCall({
      method: 'PATCH',
      path: '/api/v1/users/:user',
      summary: 'changes the roles of a user, disables or enables him; If-Match of what was seen is obeyed',
      body: z.strictObject({ roles: rolesSchema.optional(), disabled: z.boolean().optional() }),
      answer: userSchema,
      codes: [...givingCodes, 'USER_UNKNOWN', 'ROLE_UNKNOWN', 'LAST_ADMIN', 'CHANGED_MEANWHILE'],
    }),
  ),
  setPassword: managerCall(
    { resource: 'users', action: 'write' },
    adminCall({
      method: 'PUT',
      path: '/api/v1/users/:user/password',
      summary: 'gives a user a password, and ends his sessions',
      body: z.strictObject({ password: passwordSchema }),
      codes: [...givingCodes, 'USER_UNKNOWN', 'PASSWORD_ELSEWHERE', 'TOOMANYREQUESTS'],
    }),
  ),
  endSessions: managerCall(
    { resource: 'users', action: 'write' },
    adminCall({
      method: 'DELETE',
      path: '/api/v1/users/:user/sessions',
      summary: 'ends all sessions of a user',
      codes: ['USER_UNKNOWN', 'RIGHTS_EXCEEDED'],
    }),
  ),
  removeUser: managerCall(
    { resource: 'users', action: 'write' },
    adminCall({
      method: 'DELETE',
      path: '/api/v1/users/:user',
      summary: 'removes a user with all sessions and tokens',
      codes: ['USER_UNKNOWN', 'RIGHTS_EXCEEDED', 'LAST_ADMIN'],
    }),
  ),
  invites: managerCall(
    { resource: 'users', action: 'read' },
    adminCall({
      method: 'GET',
      path: '/api/v1/invites',
      summary: 'invitations that nobody has used yet',
      answer: z.object({ invites: list(inviteSchema, MAX_ROWS) }),
    }),
  ),
  invite: managerCall(
    { resource: 'users', action: 'write' },
    adminCall({
      method: 'POST',
      path: '/api/v1/invites',
      summary: 'makes a one-time link by which somebody becomes a user; it is shown this once',
      body: z.strictObject({ roles: rolesSchema }),
      status: 201,
      answer: z.object({ path: text(MAX_TITLE), kept: inviteSchema }),
      codes: [...givingCodes, 'ROLE_UNKNOWN', 'PEOPLE_FULL'],
    }),
  ),
  revokeInvite: managerCall(
    { resource: 'users', action: 'write' },
    adminCall({
      method: 'DELETE',
      path: '/api/v1/invites/:invite',
      summary: 'takes an invitation back',
      codes: ['NOT_FOUND'],
    }),
  ),
}

/** Users, their sessions, and what is their own. */
export const peopleCalls = { ...signingIn, ...own, ...users }
