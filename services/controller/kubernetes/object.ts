import { appError } from '../../../lib/base/index.ts'

/** What every object of the API has. */
export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string | undefined
  readonly uid?: string | undefined
  /** Differs whenever the object does; it says nothing else. */
  readonly resourceVersion?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly [field: string]: unknown
}

/** An object of any kind. Fields beside `metadata` are as the server sent them: whoever reads one looks what it is. */
export interface KubeObject {
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

/** JSON that is an object. */
export type Json = Readonly<Record<string, unknown>>

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown): boolean => value === undefined || typeof value === 'string'
const isTexts = (value: unknown): boolean =>
  value === undefined || (isJson(value) && Object.values(value).every(isText))

/** An object that the server sent. @throws BODY_INVALID when it has no name, or metadata of wrong types */
export function objectOf(value: unknown): KubeObject {
  const meta = isJson(value) ? value['metadata'] : undefined
  if (!isJson(value) || !isJson(meta) || typeof meta['name'] !== 'string') throw malformed('it has no name')
  const wrong = ['namespace', 'uid', 'resourceVersion'].find((field) => !isText(meta[field]))
  if (wrong !== undefined) throw malformed(`metadata.${wrong} is no text`)
  const odd = ['labels', 'annotations'].find((field) => !isTexts(meta[field]))
  if (odd !== undefined) throw malformed(`metadata.${odd} has values that are no texts`)
  return value as unknown as KubeObject
}

const malformed = (why: string) => appError('BODY_INVALID', { message: `the server sent a malformed object: ${why}` })

/** `namespace/name`, or the name of an object without a namespace: its place among the objects of its kind. */
export const keyOf = ({ metadata: { namespace, name } }: KubeObject): string =>
  namespace === undefined ? name : `${namespace}/${name}`
