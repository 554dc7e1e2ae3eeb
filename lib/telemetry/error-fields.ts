import { codeOf, isAppError } from '../base/index.ts'

const MAX_CAUSES = 5

/** The logged form of an error. Only errors that are not AppErrors keep their stack, because they are unexpected. */
export interface ErrorFields {
  readonly code?: string
  readonly message: string
  readonly detail?: Readonly<Record<string, unknown>>
  readonly stack?: string
  readonly cause?: ErrorFields
}

const textOf = (err: unknown, key: string): string | undefined => {
  if (typeof err !== 'object' || err === null) return undefined
  const value: unknown = Reflect.get(err, key)
  return typeof value === 'string' && value !== '' ? value : undefined
}

const messageOf = (err: unknown): string =>
  typeof err === 'string' ? err : (textOf(err, 'message') ?? textOf(err, 'name') ?? 'no message')

/** Turns any thrown value into plain fields, with a few levels of `cause`. */
export function errorFields(err: unknown, depth = 0): ErrorFields {
  const code = codeOf(err)
  const own = isAppError(err)
  const stack = own || depth > 0 ? undefined : textOf(err, 'stack')
  const cause: unknown = typeof err === 'object' && err !== null && 'cause' in err ? err.cause : undefined
  return {
    ...(code !== undefined && { code }),
    message: messageOf(err),
    ...(own && err.detail !== undefined && { detail: err.detail }),
    ...(stack !== undefined && { stack }),
    ...(cause !== undefined && depth < MAX_CAUSES && { cause: errorFields(cause, depth + 1) }),
  }
}
