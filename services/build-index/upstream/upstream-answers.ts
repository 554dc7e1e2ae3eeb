import { hasCode } from '../../../lib/base/index.ts'

/** The upstream cannot be asked now. */
export const isOut = (err: unknown) => hasCode(err, 'UPSTREAM_UNREACHABLE', 'BACKEND_UNAVAILABLE', 'BACKEND_THROTTLED')

/** Registries do not say whether what one may not read is there: to us it is not. */
export async function denied<T>(asked: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await asked
  } catch (err) {
    if (hasCode(err, 'BACKEND_DENIED')) return undefined
    throw err
  }
}
