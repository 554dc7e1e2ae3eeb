import { appError } from '../base/index.ts'
import { may, type Right } from '../identity/index.ts'
import type { Exchange } from './route.ts'

/** @throws UNAUTHORIZED when nobody is known to be calling, DENIED when somebody is who has not this right */
export function requireRight({ principal }: Pick<Exchange, 'principal'>, right: Right | 'none'): void {
  if (!may(principal, right)) throw appError(principal.name === 'anonymous' ? 'UNAUTHORIZED' : 'DENIED')
}
