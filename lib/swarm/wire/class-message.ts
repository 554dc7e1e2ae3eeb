import { appError } from '../../base/index.ts'
import { type PullClass, pullClasses } from '../../core/index.ts'
import { EXTENDED, encodeExtended } from './messages.ts'

/** A whole message: from now on what is asked for in this swarm is asked for at this class. */
export function encodeClass(pullClass: PullClass): Uint8Array {
  return encodeExtended(EXTENDED.pullClass, Uint8Array.of(pullClasses.indexOf(pullClass)))
}

/** `payload` is what follows the id. A class that is not known here counts as the usual one. @throws WIRE_FRAME_INVALID */
export function readClass(payload: Uint8Array): PullClass {
  const [number] = payload
  if (number === undefined || payload.length > 1) {
    throw appError('WIRE_FRAME_INVALID', { message: 'a message about a class is wrong' })
  }
  return pullClasses[number] ?? 'normal'
}
