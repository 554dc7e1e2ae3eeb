import { createHmac, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { fakeClock } from '../../../lib/base/index.ts'
import {
  type AccessRule,
  type BearerKeys,
  bearerTokens,
  type Identify,
  parseKeyFile,
  registryCallers,
} from '../../../lib/identity/index.ts'
import { registryRoutes } from '../../../lib/registry/index.ts'
import { tokenRoutes } from '../../../services/proxy/access/token-routes.ts'
import { type MemoryListener, memoryListener } from '../../kit/memory-listener.ts'
import { seededStorage } from './registry-scene.ts'

/** A registry with users, a named token and bearer tokens, and what its rules give, written down once more. */

export type Who = 'user:ann' | 'user:bob' | 'token:build' | 'anonymous' | 'refused'
export type Action = 'pull' | 'push' | 'delete'

const rules: readonly AccessRule[] = [
  { who: ['user:ann'], repositories: ['team/*'], actions: ['push', 'catalog'] },
  { who: ['anonymous'], repositories: ['public/*'], actions: ['pull'] },
]
const passwords: Readonly<Record<string, string>> = { ann: 'the password of ann', bob: 'the password of bob' }
const BUILD = 'shoal_the-token-of-build'
export const repositories = ['team/app', 'team/x', 'public/x', 'other/x'] as const

/** What the rules give. Whoever is refused gets less than who shows nothing. */
export function gives(who: Who, repository: string, action: string): boolean {
  if (who === 'refused') return false
  if (repository.startsWith('public/')) return action === 'pull'
  if (who === 'token:build') return repository === 'team/app' && action === 'pull'
  return who === 'user:ann' && repository.startsWith('team/') && (action === 'pull' || action === 'push')
}

const keyFile = () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const [ours, others] = [parseKeyFile(keyFile()), parseKeyFile(keyFile())] as readonly [BearerKeys, BearerKeys]
const clock = fakeClock()
const tokensOf = (keys: BearerKeys, service = 'shoal', lateMs = 0) =>
  bearerTokens({ clock: { now: () => clock.now() - lateMs } }, { keys: () => keys, service, lifetimeMs: 300_000 })
export const bearer = tokensOf(ours)

/** What a request shows, who that is, and what the token names if it is one of ours. */
export interface Login {
  readonly text: string | undefined
  readonly who: Who
  readonly names?: readonly string[]
}

/** The scopes that good tokens were given for. */
const scopesOf: readonly (readonly string[])[] = [
  [],
  ['team/app pull'],
  ['team/app pull', 'team/app push'],
  ['public/x pull'],
  ['team/x push'],
]

export interface AccessScene {
  readonly listener: MemoryListener
  readonly login: fc.Arbitrary<Login>
}

export async function accessScene(): Promise<AccessScene> {
  const { identify } = registryCallers(
    {
      clock,
      secrets: () => ({ name: 'anonymous', rights: [] }),
      bearer,
      users: {
        has: (user) => Object.hasOwn(passwords, user),
        knows: async ({ user, password }) => Object.hasOwn(passwords, user) && passwords[user] === password,
      },
      tokens: {
        nameOf: (shown) => (shown === BUILD ? 'build' : undefined),
        grantsOf: (name) => (name === 'build' ? [{ repositories: ['team/app'], actions: ['pull'] }] : undefined),
      },
    },
    { rules: () => rules, anonymous: 'none' },
  )
  return { listener: await listenerWith(identify), login: await logins() }
}

async function listenerWith(identify: Identify): Promise<MemoryListener> {
  const logIn = { challenge: () => 'Bearer realm="http://registry.test/token",service="shoal"' }
  const routes = registryRoutes(await seededStorage(), { ownNames: [], uploadSecret: 'secret of the test', logIn })
  return memoryListener([...routes, ...tokenRoutes({ bearer, identify })], { identify })
}

const basicOf = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

async function logins(): Promise<fc.Arbitrary<Login>> {
  const entries = (names: readonly string[]) =>
    names.map((each) => {
      const [name = '', action = ''] = each.split(' ')
      return { type: 'repository', name, actions: [action] }
    })
  const issued = async (tokens: typeof bearer, name: string, names: readonly string[]) =>
    (await tokens.issue({ name, access: entries(names) })).token
  const good = await Promise.all(
    scopesOf.map(async (names) => ({ names, token: await issued(bearer, 'user:ann', names) })),
  )
  const forged = await forgedTokens(good[2]?.token ?? '', (tokens) => issued(tokens, 'user:ann', scopesOf[2] ?? []))
  const users = Object.entries(passwords)
  const refused = (text: string): Login => ({ text, who: 'refused' })
  return fc.oneof(
    fc.constant<Login>({ text: undefined, who: 'anonymous' }),
    fc.constant<Login>({ text: basicOf(':'), who: 'anonymous' }),
    fc.constantFrom(...users).map(
      ([user, password]): Login => ({
        text: basicOf(`${user}:${password}`),
        who: user === 'ann' ? 'user:ann' : 'user:bob',
      }),
    ),
    fc
      .constantFrom(`Bearer ${BUILD}`, basicOf(`anybody:${BUILD}`), basicOf(`ann:${BUILD}`))
      .map((text): Login => ({ text, who: 'token:build' })),
    fc.constantFrom(...good).map(({ token, names }): Login => ({ text: `bearer ${token}`, who: 'user:ann', names })),
    // One letter of what is right.
    changed(fc.constantFrom(...users.map(([user, password]) => `${user}:${password}`), BUILD)).map((text) =>
      refused(text.startsWith('shoal') ? `Bearer ${text}` : basicOf(text)),
    ),
    changed(fc.constantFrom(...good.map(({ token }) => token))).map((token) => refused(`Bearer ${token}`)),
    fc.constantFrom(...forged).map((token) => refused(`Bearer ${token}`)),
    fc
      .tuple(fc.constantFrom('Basic', 'Bearer', 'Digest', 'Negotiate', 'BEARER', ''), oddText)
      .map(([scheme, text]) => refused(`${scheme} x${text}`)),
  )
}

/** What the end of a signature in base64 leaves open is no change, so the last letter stays. */
const changed = (texts: fc.Arbitrary<string>) =>
  fc
    .tuple(texts, fc.nat(400), fc.constantFrom('', '.', '_', '~', '=', 'A', 'é'), fc.nat(1))
    .map(([text, at, put, take]) => {
      const i = at % (text.length - 1)
      return { text, next: text.slice(0, i) + put + text.slice(i + take) }
    })
    .filter(({ text, next }) => next !== text)
    .map(({ next }) => next)

const oddText = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 300 }).map((text) => text.replaceAll(/[^\x21-\x7e]/g, '')),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  fc
    .json({ maxDepth: 2 })
    .map((json) => [encoded({ alg: 'none' }), Buffer.from(json).toString('base64url'), ''].join('.')),
)

async function forgedTokens(token: string, issue: (tokens: typeof bearer) => Promise<string>): Promise<string[]> {
  const [head = '', claims = '', signature = ''] = token.split('.')
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as object
  const header = JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) as { kid: string }
  const more = encoded({ ...said, access: [{ type: 'repository', name: 'other/x', actions: ['pull', 'push'] }] })
  const hmac = encoded({ ...header, alg: 'HS256' })
  const publicKey = ours.signing.public.export({ type: 'spki', format: 'pem' })
  const byPublicKey = createHmac('sha256', publicKey).update(`${hmac}.${claims}`).digest('base64url')
  return [
    `${encoded({ ...header, alg: 'none' })}.${claims}.`,
    `${hmac}.${claims}.${byPublicKey}`,
    `${head}.${more}.${signature}`,
    `${encoded({ ...header, kid: '../../etc/passwd' })}.${claims}.${signature}`,
    `${encoded({ ...header, crit: ['x'], x: 1 })}.${claims}.${signature}`,
    ...[`${head}.${claims}`, `${token}.${signature}`, `${claims}.${head}.${signature}`, '..', `${head}..${signature}`],
    await issue(tokensOf(others)),
    await issue(tokensOf(ours, 'another registry')),
    await issue(tokensOf(ours, 'shoal', 400_000)),
    await issue(tokensOf(ours, 'shoal', -400_000)),
  ]
}
