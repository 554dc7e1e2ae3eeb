import { readFileSync } from 'node:fs'
import type { Grant, managerApi } from '../../../lib/api/index.ts'
import { appError, systemClock } from '../../../lib/base/index.ts'
import { numberIn } from './options.ts'
import { ageText, fields, table } from './sheet.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

const DAY_MS = 86_400_000
const ID = '0mabc1234-9f8e7d6c5b4a3921'

/** A line that tells how to get the next page; empty on the last page. */
const more = (next: string | undefined) => (next === undefined ? '' : `\n\nmore: --last ${next}`)

/** Comma-separated words. */
const wordsIn = (options: VerbOptions, name: string): string[] | undefined =>
  options[name]?.split(',').filter((word) => word !== '')

/** Of the option `--password-file`, which commander calls `passwordFile`. */
const fileIn = (options: VerbOptions, name: string): string | undefined =>
  options[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]

/** A file, since what stands on a command line is seen by everybody on the machine. @throws CONFIG_INVALID */
function passwordIn(options: VerbOptions, name: string): string {
  const path = fileIn(options, name)
  if (path === undefined)
    throw appError('CONFIG_INVALID', { message: `--${name} names a file that holds the password` })
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw appError('CONFIG_INVALID', { message: `--${name}: the file cannot be read`, cause })
  }
}

/** `jobs=read`, `jobs=write`; the service says what is wrong with a name. */
const grantsIn = (options: VerbOptions): Grant[] =>
  (wordsIn(options, 'grants') ?? []).map((word) => {
    const [resource = '', action = ''] = word.split('=', 2)
    return { resource, action } as Grant
  })

const grantsText = (grants: readonly { readonly resource: string; readonly action: string }[]) =>
  grants.map(({ resource, action }) => `${resource}=${action}`).join(' ')

const GRANTS = 'what it may do, such as jobs=write,clusters=read; * stands for all'
const ROLES = 'comma-separated names of roles'

interface Person {
  readonly name: string
  readonly roles: readonly string[]
  readonly disabled: boolean
  readonly provider?: string | undefined
  readonly signedInAtMs?: number | undefined
}

const people = (users: readonly Person[], nowMs: number) =>
  table(users, [
    ['NAME', ({ name }) => name],
    ['ROLES', ({ roles }) => roles.join(' ')],
    ['STATE', ({ disabled }) => (disabled ? 'disabled' : 'enabled')],
    ['KNOWN BY', ({ provider }) => provider ?? 'password'],
    ['SIGNED IN', ({ signedInAtMs }) => ageText(signedInAtMs, nowMs)],
  ])

interface Token {
  readonly id: string
  readonly user: string
  readonly name: string
  readonly grants: readonly { readonly resource: string; readonly action: string }[]
  readonly expiresAtMs: number
  readonly usedAtMs?: number | undefined
  readonly madeBy?: string | undefined
}

const tokenTable = (tokens: readonly Token[], nowMs: number) =>
  table(tokens, [
    ['ID', ({ id }) => id],
    ['USER', ({ user }) => user],
    ['NAME', ({ name }) => name],
    ['MAY', ({ grants }) => grantsText(grants)],
    ['ENDS', ({ expiresAtMs }) => ageText(expiresAtMs, nowMs)],
    ['USED', ({ usedAtMs }) => ageText(usedAtMs, nowMs)],
    ['MADE BY', ({ madeBy }) => madeBy ?? '-'],
  ])

interface Caller {
  readonly name: string
  readonly roles: readonly string[]
  readonly grants: readonly { readonly resource: string; readonly action: string }[]
}

const callerText = ({ name, roles, grants }: Caller) =>
  fields({ name, roles: roles.join(' ') || '-', may: grantsText(grants) || 'nothing' })

type PeopleVerbs = VerbsOf<
  Pick<typeof managerApi, keyof typeof ownVerbs | keyof typeof userVerbs | keyof typeof rightVerbs>
>

const ownVerbs = {
  signInWays: {
    example: 'sign-in-ways',
    show: ({ passwords, providers }) =>
      fields({
        passwords: passwords ? 'yes' : 'no',
        providers: providers.map(({ name }) => name).join(' ') || 'none',
      }),
  },
  signIn: {
    example: 'sign-in --name ada --password-file ada.txt',
    note: 'Tells whether the password is right; nothing of the session is kept.',
    options: { name: 'of the user', 'password-file': 'a file that holds the password' },
    body: (options) => ({ name: options['name'] ?? '', password: passwordIn(options, 'password-file') }),
    show: callerText,
  },
  openLink: {
    example: 'open-link --link-file link.txt --name ada --password-file ada.txt',
    options: {
      'link-file': 'a file that holds what stands behind the # of the link',
      name: 'of the new user',
      'password-file': 'a file that holds the password of the new user',
    },
    body: (options) => ({
      link: passwordIn(options, 'link-file'),
      ...(options['name'] !== undefined && { name: options['name'] }),
      ...(fileIn(options, 'password-file') !== undefined && { password: passwordIn(options, 'password-file') }),
    }),
    show: callerText,
  },
  signOut: { example: 'sign-out' },
  me: { example: 'me', show: callerText },
  changePassword: {
    example: 'change-password --old-file old.txt --new-file new.txt',
    options: { 'old-file': 'a file that holds the password of now', 'new-file': 'a file that holds the new one' },
    body: (options) => ({ old: passwordIn(options, 'old-file'), new: passwordIn(options, 'new-file') }),
  },
  mySessions: {
    example: 'my-sessions',
    show: ({ sessions }, nowMs) =>
      table(sessions, [
        ['ID', ({ id }) => id],
        ['FROM', ({ address }) => address],
        ['USED', ({ usedAtMs }) => ageText(usedAtMs, nowMs)],
        ['AGENT', ({ agent }) => agent],
      ]),
  },
  endMySession: { example: `end-my-session ${ID}` },
  myTokens: { example: 'my-tokens', show: ({ tokens }, nowMs) => tokenTable(tokens, nowMs) },
  createToken: {
    example: 'create-token --name ci --grants jobs=write --days 90',
    options: { name: 'of the token', grants: GRANTS, days: 'how long it counts; default 90' },
    body: (options) => ({
      name: options['name'] ?? '',
      grants: grantsIn(options),
      expiresAtMs: systemClock().now() + (numberIn(options, 'days') ?? 90) * DAY_MS,
    }),
    show: ({ token, kept }, nowMs) =>
      fields({ token, id: kept.id, may: grantsText(kept.grants), ends: ageText(kept.expiresAtMs, nowMs) }),
  },
  revokeMyToken: { example: `revoke-my-token ${ID}` },
} satisfies VerbsOf<
  Pick<
    typeof managerApi,
    | ('signInWays' | 'signIn' | 'openLink' | 'signOut' | 'me' | 'changePassword')
    | ('mySessions' | 'endMySession' | 'myTokens' | 'createToken' | 'revokeMyToken')
  >
>

const userVerbs = {
  users: { example: 'users', show: ({ users, next }, nowMs) => people(users, nowMs) + more(next) },
  user: { example: 'user ada', show: (user, nowMs) => people([user], nowMs) },
  createUser: {
    example: 'create-user --name ada --password-file ada.txt --roles operator',
    options: { name: 'of the user', 'password-file': 'a file that holds the password', roles: ROLES },
    body: (options) => ({
      name: options['name'] ?? '',
      password: passwordIn(options, 'password-file'),
      roles: wordsIn(options, 'roles') ?? [],
    }),
    show: (user, nowMs) => people([user], nowMs),
  },
  changeUser: {
    example: 'change-user ada --roles operator,reader',
    note: 'With --disabled yes the user is signed out at once.',
    options: { roles: `${ROLES}; default: as they are`, disabled: 'yes or no; default: as it is' },
    body: (options) => ({
      ...(options['roles'] !== undefined && { roles: wordsIn(options, 'roles') ?? [] }),
      ...(options['disabled'] !== undefined && { disabled: options['disabled'] === 'yes' }),
    }),
    show: (user, nowMs) => people([user], nowMs),
  },
  setPassword: {
    example: 'set-password ada --password-file ada.txt',
    options: { 'password-file': 'a file that holds the password' },
    body: (options) => ({ password: passwordIn(options, 'password-file') }),
  },
  endSessions: { example: 'end-sessions ada' },
  removeUser: { example: 'remove-user ada' },
  invites: {
    example: 'invites',
    show: ({ invites }, nowMs) =>
      table(invites, [
        ['ID', ({ id }) => id],
        ['ROLES', ({ roles }) => roles.join(' ')],
        ['BY', ({ createdBy }) => createdBy],
        ['ENDS', ({ expiresAtMs }) => ageText(expiresAtMs, nowMs)],
      ]),
  },
  invite: {
    example: 'invite --roles operator',
    note: 'Put the address of the manager before the link. It counts once, within a day.',
    options: { roles: ROLES },
    body: (options) => ({ roles: wordsIn(options, 'roles') ?? [] }),
    show: ({ path, kept }, nowMs) => fields({ link: path, id: kept.id, ends: ageText(kept.expiresAtMs, nowMs) }),
  },
  revokeInvite: { example: `revoke-invite ${ID}` },
} satisfies VerbsOf<
  Pick<
    typeof managerApi,
    | ('users' | 'user' | 'createUser' | 'changeUser' | 'setPassword' | 'endSessions' | 'removeUser')
    | ('invites' | 'invite' | 'revokeInvite')
  >
>

const rightVerbs = {
  roles: {
    example: 'roles',
    show: ({ roles }) =>
      table(roles, [
        ['NAME', ({ name }) => name],
        ['KIND', ({ builtIn }) => (builtIn ? 'built in' : 'own')],
        ['MAY', ({ grants }) => grantsText(grants)],
        ['WHAT', ({ what }) => what],
      ]),
  },
  setRole: {
    example: 'set-role preheater --grants jobs=write,images=read --what "starts preheats"',
    options: { grants: GRANTS, what: 'a line that says what it is for' },
    body: (options) => ({
      grants: grantsIn(options),
      ...(options['what'] !== undefined && { what: options['what'] }),
    }),
    show: ({ name, grants }) => fields({ name, may: grantsText(grants) }),
  },
  removeRole: { example: 'remove-role preheater' },
  tokens: { example: 'tokens', show: ({ tokens, next }, nowMs) => tokenTable(tokens, nowMs) + more(next) },
  revokeToken: { example: `revoke-token ${ID}` },
} satisfies VerbsOf<Pick<typeof managerApi, 'roles' | 'setRole' | 'removeRole' | 'tokens' | 'revokeToken'>>

/** The verbs of users, roles, sessions and tokens. */
export const peopleVerbs: PeopleVerbs = { ...ownVerbs, ...userVerbs, ...rightVerbs }
