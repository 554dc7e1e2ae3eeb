import { createHash, randomBytes } from 'node:crypto'
import { appError } from '../base/index.ts'
import { sampleOf } from '../core/index.ts'
import { type Grant, type RuleAction, ruleActions } from './access.ts'

/** A token with a name, as it stands in a file: whoever has the file has no token. */
export interface NamedToken {
  readonly name: string
  /** Of the whole token, in hex. A token is random, so nothing slower is needed. */
  readonly sha256: string
  /** Milliseconds since the epoch; undefined for one that does not end. */
  readonly expiresMs: number | undefined
  readonly grants: readonly Grant[]
}

/** All tokens begin so: secret scanners find them, and they are told from passwords. */
export const TOKEN_PREFIX = 'shoal_'
const nameShape = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/
/** Most tokens of a file. */
const MAX_TOKENS = 10_000

export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')

/** A new token, and what is kept of it. @throws CONFIG_INVALID for a name or a grant that makes no sense */
export function newToken(init: Omit<NamedToken, 'sha256'>): { readonly token: string; readonly kept: NamedToken } {
  const token = TOKEN_PREFIX + randomBytes(32).toString('base64url')
  const kept = { ...init, sha256: tokenHash(token) }
  parseLine(tokenLine(kept))
  return { token, kept }
}

/** `team/*=pull,push`. @throws CONFIG_INVALID */
export function parseGrant(text: string): Grant {
  const [pattern = '', list = '', ...rest] = text.split('=')
  const actions = list.split(',')
  if (rest.length > 0 || !/^[a-z0-9._/:*-]+$/.test(pattern) || sampleOf(pattern) === undefined) {
    throw invalid('a grant is a pattern of repositories, =, and actions, like team/*=pull,push')
  }
  if (!actions.every(isAction)) throw invalid(`the actions of a grant are ${ruleActions.join(', ')}`)
  return { repositories: [pattern], actions }
}

const isAction = (text: string): text is RuleAction => (ruleActions as readonly string[]).includes(text)

const grantText = ({ repositories, actions }: Grant) => `${repositories.join('')}=${actions.join(',')}`

const tokenLine = ({ name, sha256, expiresMs, grants }: NamedToken): string =>
  [name, sha256, expiresMs === undefined ? 'never' : new Date(expiresMs).toISOString(), ...grants.map(grantText)].join(
    ' ',
  )

function parseLine(line: string): NamedToken {
  const [name = '', sha256 = '', expires = '', ...grants] = line.trim().split(/\s+/)
  if (!nameShape.test(name)) throw invalid('a name has lower-case letters, digits, ".", "_" and "-", at most 64')
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw invalid('the second field is the SHA-256 of the token in hex')
  const expiresMs = expires === 'never' ? undefined : Date.parse(expires)
  if (Number.isNaN(expiresMs)) throw invalid('the third field is a time like 2030-01-31T00:00:00Z, or never')
  if (grants.length === 0) throw invalid('it has no grant')
  return { name, sha256, expiresMs, grants: grants.map(parseGrant) }
}

/** @throws CONFIG_INVALID naming the line, and nothing that stands in it */
export function parseTokenFile(text: string): readonly NamedToken[] {
  const tokens: NamedToken[] = []
  const names = new Set<string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    try {
      const token = parseLine(line)
      if (names.has(token.name)) throw invalid('this name stands in the file twice')
      if (names.size === MAX_TOKENS) throw invalid(`there are more than ${MAX_TOKENS} tokens`)
      names.add(token.name)
      tokens.push(token)
    } catch (err) {
      throw invalid(`line ${index + 1} of the file of tokens: ${(err as Error).message}`)
    }
  }
  return tokens
}

/** The text of a file with these tokens. */
export function tokenFileText(tokens: readonly NamedToken[]): string {
  const head = '# Written by shoal token. NAME SHA256 EXPIRES PATTERN=ACTIONS...'
  return `${[head, ...tokens.map(tokenLine)].join('\n')}\n`
}

function invalid(message: string) {
  return appError('CONFIG_INVALID', { message })
}
