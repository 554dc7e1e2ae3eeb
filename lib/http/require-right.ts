import { appError } from '../base/index.ts'
import { may, type Right } from '../identity/index.ts'
import type { Exchange } from './route.ts'

/**
 * One of the rights is enough.
 * @throws UNAUTHORIZED when nobody is known to be calling, DENIED when somebody is who has none of them
 */
export function requireRight(
  { principal }: Pick<Exchange, 'principal'>,
  ...rights: readonly (Right | 'none' | undefined)[]
): void {
  if (!rights.some((right) => right !== undefined && may(principal, right)))
    throw appError(principal.name === 'anonymous' ? 'UNAUTHORIZED' : 'DENIED')
}
