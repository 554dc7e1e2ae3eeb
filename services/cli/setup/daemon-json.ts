import { isDeepStrictEqual } from 'node:util'
import { appError } from '../../../lib/base/index.ts'
import { membersOf } from './json-members.ts'
import { lineEndOf } from './toml.ts'

const KEY = 'registry-mirrors'

/** Parses a file that must be one object. @throws CONFIG_INVALID with the file and the line */
export function readJsonObject(text: string, file: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (err) {
    const at = /position (\d+)/.exec(String((err as { readonly message?: unknown }).message))?.[1]
    const line = text.slice(0, at === undefined ? text.length : Number(at)).split('\n').length
    throw appError('CONFIG_INVALID', { message: `${file}:${line}: this is no valid JSON`, cause: err })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw appError('CONFIG_INVALID', { message: `${file}:1: this is no object of settings` })
}

/**
 * The text of docker's daemon.json with the agent as the first mirror; all else stays as it is, to the byte. A mirror
 * that is there already stays in its place.
 * @throws CONFIG_INVALID
 */
export function withRegistryMirror(before: string | undefined, file: string, agent: string): string {
  if (before === undefined || before.trim() === '') return `${JSON.stringify({ [KEY]: [agent] }, null, 2)}\n`
  const settings = readJsonObject(before, file)
  const mirrors = settings[KEY]
  if (mirrors !== undefined && !Array.isArray(mirrors))
    throw appError('CONFIG_INVALID', { message: `${file}: ${KEY} is no list` })
  if (mirrors?.some((mirror) => isSameUrl(mirror, agent)) === true) return before
  const after = mirrors === undefined ? withKey(before, agent) : withFirst(before, agent, mirrors.length > 0)
  const wanted = { ...settings, [KEY]: [agent, ...((mirrors ?? []) as unknown[])] }
  if (isDeepStrictEqual(JSON.parse(after), wanted)) return after
  throw appError('CONFIG_INVALID', { message: `${file}: a key is there twice; leave one of them` })
}

const isSameUrl = (one: unknown, other: string) => typeof one === 'string' && one.replace(/\/+$/, '') === other

function withKey(text: string, agent: string): string {
  const open = text.indexOf('{') + 1
  const hasMore = membersOf(text).length > 0
  const indent = /^\s*\{\s*\n([ \t]+)/.exec(text)?.[1] ?? '  '
  const isLine = /^[ \t]*\r?\n/.test(text.slice(open))
  const member = `${JSON.stringify(KEY)}: [${JSON.stringify(agent)}]${hasMore ? ',' : ''}`
  if (isLine) return text.slice(0, open) + lineEndOf(text) + indent + member + text.slice(open)
  return `${text.slice(0, open)}${member}${hasMore ? ' ' : ''}${text.slice(open)}`
}

function withFirst(text: string, agent: string, hasMore: boolean): string {
  const list = membersOf(text).findLast(({ key }) => key === KEY)
  const open = (list?.start ?? 0) + 1
  return `${text.slice(0, open)}${JSON.stringify(agent)}${hasMore ? ', ' : ''}${text.slice(open)}`
}
