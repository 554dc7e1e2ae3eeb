import { appError } from '../base/index.ts'
import { isLoopback } from './loopback.ts'

export interface BindSafety {
  /** The listener's key in the config. */
  readonly listener: string
  readonly host: string
  /** Balancers bring callers from elsewhere, wherever it listens. */
  readonly behindBalancers?: boolean
  /** Whether whoever calls this listener must show or prove something that strangers have not. */
  readonly guarded?: boolean
  /** The operator confirms that the network protects the listener. */
  readonly insecure?: boolean
}

/**
 * Refuses a listener that unknown callers could reach. That it speaks TLS does not count: it says nothing about the
 * caller. @throws INSECURE_BIND unless loopback without balancers, guarded, or `insecure`
 */
export function assertSafeBind(bind: BindSafety): void {
  if (bind.guarded === true || bind.insecure === true) return
  if (isLoopback(bind.host) && bind.behindBalancers !== true) return
  throw appError('INSECURE_BIND', {
    message: `the listener ${bind.listener} on ${bind.host} is reachable from outside without a secret; set one, bind to 127.0.0.1, or set insecure: true`,
    detail: { listener: bind.listener, host: bind.host },
  })
}
