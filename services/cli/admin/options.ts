import { appError } from '../../../lib/base/index.ts'
import type { VerbOptions } from './verb.ts'

/** An option that is a number, if it was given. @throws CONFIG_INVALID */
export function numberIn(options: VerbOptions, name: string): number | undefined {
  const text = options[name]
  if (text === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  throw appError('CONFIG_INVALID', { message: `--${name} is a number` })
}
