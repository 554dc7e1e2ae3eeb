import { appError } from '../base/index.ts'
import { isLoopback } from './loopback.ts'

export interface BindSafety {
  /** The listener's key in the config. */
  readonly listener: string
  readonly host: string
  readonly tls?: boolean
  /** Whether whoever calls this listener must show or prove a secret. */
  readonly secret?: boolean
  /** The operator confirms that the network protects the listener. */
  readonly insecure?: boolean
}

/**
 * Refuses a listener that unknown callers could reach. @throws INSECURE_BIND unless loopback, TLS, a secret, or
 * `insecure`
 */
export function assertSafeBind(bind: BindSafety): void {
  if (bind.tls === true || bind.secret === true || bind.insecure === true || isLoopback(bind.host)) return
  throw appError('INSECURE_BIND', {
    message: `the listener ${bind.listener} on ${bind.host} is reachable from outside without TLS or a secret; set one, bind to 127.0.0.1, or set insecure: true`,
    detail: { listener: bind.listener, host: bind.host },
  })
}
