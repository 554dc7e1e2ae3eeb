import type { Kind } from './kinds.ts'
import { badRequest } from './refusal.ts'
import type { Stored } from './stored.ts'
import { valueAt } from './stored.ts'

type Test = (object: Stored) => boolean

const name = '[A-Za-z0-9](?:[-A-Za-z0-9_.\\/]*[A-Za-z0-9])?'
const forms: readonly (readonly [
  RegExp,
  (key: string, values: readonly string[], value: string | undefined) => boolean,
])[] = [
  [
    new RegExp(`^(${name})\\s+in\\s+\\(([^)]*)\\)$`),
    (_, values, value) => value !== undefined && values.includes(value),
  ],
  [
    new RegExp(`^(${name})\\s+notin\\s+\\(([^)]*)\\)$`),
    (_, values, value) => value === undefined || !values.includes(value),
  ],
  [new RegExp(`^(${name})\\s*!=\\s*(.*)$`), (_, [wanted], value) => value !== wanted],
  [new RegExp(`^(${name})\\s*==?\\s*(.*)$`), (_, [wanted], value) => value === wanted],
  [new RegExp(`^(${name})$`), (_, __, value) => value !== undefined],
  [new RegExp(`^!\\s*(${name})$`), (_, __, value) => value === undefined],
]

/** As `kubectl get -l` takes them. @throws 400 */
export function labelTest(selector: string | undefined): Test {
  const parts = (selector ?? '').split(/,(?![^(]*\))/).map((part) => part.trim())
  const tests = parts.filter(Boolean).map((part): Test => {
    for (const [form, holds] of forms) {
      const found = form.exec(part)
      if (found === null) continue
      const [, key = '', list = ''] = found
      const values = list.split(',').map((value) => value.trim())
      return ({ metadata }) => holds(key, values, metadata.labels?.[key])
    }
    throw badRequest(`unable to parse requirement: ${part}`)
  })
  return (object) => tests.every((test) => test(object))
}

/** As `kubectl get --field-selector` takes them. @throws 400 */
export function fieldTest(selector: string | undefined, kind: Kind): Test {
  const known = ['metadata.name', 'metadata.namespace', ...(kind.fields ?? [])]
  const tests = (selector ?? '')
    .split(',')
    .filter(Boolean)
    .map((part): Test => {
      const [, key = '', sign = '', wanted = ''] = /^([\w.]+)(==|=|!=)(.*)$/.exec(part) ?? []
      if (!known.includes(key)) throw badRequest(`field label not supported: ${key}`)
      return (object) => (textAt(object, key) === wanted) === (sign !== '!=')
    })
  return (object) => tests.every((test) => test(object))
}

/** Fields that are selected by are texts and booleans. */
function textAt(object: Stored, key: string): string {
  const value = valueAt(object, key.split('.'))
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : ''
}
