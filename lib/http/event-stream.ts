import { appError, type Clock, deferred, onAbort, type Timer, throwIfAborted } from '../base/index.ts'
import type { Exchange } from './route.ts'

/** One event of a stream. */
export interface SentEvent {
  /** What a client that comes back sends as `Last-Event-ID`. */
  readonly id?: string
  readonly event: string
  readonly data: unknown
}

/** Half a minute is the shortest time after which proxies cut what is silent. */
const BEAT_MS = 10_000
/** A client that leaves more than this unread is cut: it comes back with the id of the last event that it has. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024
/** When a client comes back. */
const RETRY_MS = 2_000

const textOf = ({ id, event, data }: SentEvent): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/**
 * Answers with server-sent events (WHATWG HTML, 9.2) until the client goes or `signal` fires. `begin` gets the id of the
 * last event that the client has and a function that sends one; it returns what ends its calls.
 */
export async function sendEvents(
  { req, res, signal }: Pick<Exchange, 'req' | 'res' | 'signal'>,
  { clock, end }: { readonly clock: Pick<Clock, 'setTimer'>; readonly end: AbortSignal },
  begin: (lastId: string | undefined, send: (event: SentEvent) => void) => () => void,
): Promise<void> {
  throwIfAborted(signal)
  if (end.aborted) throw appError('SHUTTING_DOWN')
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  let timer: Timer | undefined
  const write = (text: string) => {
    if (res.destroyed || res.writableEnded) return
    res.write(text)
    if (res.writableLength > MAX_UNREAD_BYTES) res.destroy()
  }
  const beat = () => {
    write(': still here\n\n')
    timer = clock.setTimer(BEAT_MS, beat, { background: true })
  }
  write(`retry: ${RETRY_MS}\n\n`)
  timer = clock.setTimer(BEAT_MS, beat, { background: true })
  const sent = req.headers['last-event-id']
  const stop = begin(typeof sent === 'string' && sent !== '' ? sent : undefined, (event) => write(textOf(event)))
  const over = deferred<undefined>()
  const leave = () => over.resolve(undefined)
  res.once('close', leave)
  const waits = [signal, end].map((each) => onAbort(each, leave))
  try {
    await over.promise
  } finally {
    for (const takeBack of waits) takeBack()
    stop()
    timer.cancel()
    if (!res.destroyed) res.end()
  }
}
