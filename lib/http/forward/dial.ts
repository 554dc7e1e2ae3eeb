import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, rootCertificates } from 'node:tls'
import {
  type AppError,
  appError,
  bareHost,
  type Clock,
  codeOf,
  deadline,
  isAppError,
  onAbort,
} from '../../base/index.ts'
import { distrustIn } from '../distrust.ts'
import { type Admits, guardedLookup } from '../guarded-lookup.ts'

export interface DialComponents {
  readonly clock: Clock
  /** Finds the addresses of a name. Default: that of the system. */
  readonly lookup?: LookupFunction | undefined
}

/** How a host elsewhere is reached. */
export interface Terms {
  readonly port: number
  /** It speaks TLS with us; not for a tunnel, whose client does that. */
  readonly secure: boolean
  /** Certificates of authorities that are trusted besides those of Node. */
  readonly ca?: string | undefined
  /** Why nobody may be connected to this address of it; undefined: he may. */
  readonly refusalOf: (address: string) => AppError | undefined
}

const CONNECT_MS = 10_000

/**
 * A connection to a host elsewhere, which is written as in `ForeignTarget`. Each address is judged, and what was judged is what is connected to.
 * @throws FORWARD_UNREACHABLE, FORWARD_DISTRUSTED, ABORTED, what the terms refuse with
 */
export async function dial(
  { clock, lookup }: DialComponents,
  host: string,
  { port, secure, ca, refusalOf, signal }: Terms & { readonly signal: AbortSignal },
): Promise<Socket> {
  const name = bareHost(host)
  const isAddress = isIP(name) !== 0
  // A name may have several addresses; the first one that is refused is told.
  const refused = isAddress ? [refusalOf(name)].filter((err) => err !== undefined) : []
  if (refused[0] !== undefined) throw refused[0]
  const admits: Admits = (_, address) => {
    const err = refusalOf(address)
    if (err !== undefined) refused.push(err)
    return err === undefined
  }
  const limit = deadline(clock, CONNECT_MS, signal)
  const options = { host: name, port, lookup: guardedLookup(admits, lookup), noDelay: true, keepAlive: true }
  try {
    const raw = connectTcp({ ...options, allowHalfOpen: true })
    await opened(raw, 'connect', limit.signal)
    if (!secure) return raw
    const trusted = ca === undefined ? {} : { ca: [...rootCertificates, ca] }
    const encrypted = connectTls({ socket: raw, ...trusted, ...(isAddress ? {} : { servername: name }) })
    return await opened(encrypted, 'secureConnect', limit.signal)
  } catch (err) {
    if (signal.aborted) throw appError('ABORTED', { cause: signal.reason })
    throw refused.at(0) ?? unreachable(host, err)
  } finally {
    limit.release()
  }
}

function opened<S extends Socket>(socket: S, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => () => {
      takeBack()
      socket.off(event, ready).off('close', closed)
      act()
    }
    const ready = settle(() => resolve(socket))
    const closed = settle(() => reject(failure ?? appError('PEER_CLOSED')))
    let failure: Error | undefined
    // Whoever uses the connection afterwards hears of its end by `close`.
    socket.on('error', (err) => (failure = err))
    socket.once(event, ready).once('close', closed)
    const takeBack = onAbort(signal, () => socket.destroy(signal.reason as Error))
  })
}

/** Clients may know how far away a host is, and what is wrong with its certificate; nothing else is told. */
function unreachable(host: string, err: unknown): AppError {
  const distrust = distrustIn(err)
  if (distrust !== undefined)
    return appError('FORWARD_DISTRUSTED', { message: `no TLS with ${host}: ${distrust}`, cause: err })
  const reason = isAppError(err) ? err.message : (codeOf(err) ?? 'no answer')
  return appError('FORWARD_UNREACHABLE', { message: `no connection to ${host}: ${reason}`, cause: err })
}
