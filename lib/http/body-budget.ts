import type { IncomingMessage } from 'node:http'
import { type AgeLinks, AgeList, type AppError, appError, type Clock, shares } from '../base/index.ts'
import { callerAt } from '../identity/index.ts'
import type { Metrics } from '../telemetry/index.ts'

/** One body that is being read into memory. */
export interface HeldBody {
  /** So many bytes more have come. */
  add(bytes: number): void
  close(): void
}

/** The bodies that a listener holds in memory while they come in, whoever sends them. */
export interface BodyBudget {
  /**
   * Begins a body. `refuse` is called at most once, possibly within `add`, and then the body counts no more: with
   * TOOMANYREQUESTS when it has to make room, with REQUEST_TIMEOUT when it takes too long.
   */
  open(req: IncomingMessage, refuse: (err: AppError) => void): HeldBody
}

/** All bodies of a listener together. Beyond it the oldest body of the caller that holds most is refused. */
const MAX_HELD_BYTES = 64 * 1024 * 1024
/** For a whole body, however it trickles. */
const MAX_BODY_MS = 60_000

interface Open extends AgeLinks<Open> {
  readonly caller: string
  bytes: number
  end(reason: 'full' | 'late', err: AppError): void
}

export function bodyBudget(
  { clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics },
  listener: string,
): BodyBudget {
  const held = shares()
  const byCaller = new Map<string, AgeList<Open>>()
  const gauge = metrics
    .gauge({ name: 'shoal_http_body_bytes', help: 'Bytes of bodies that are not whole yet.' }, ['listener'])
    .with({ listener })
  const refused = metrics.counter(
    { name: 'shoal_http_bodies_refused_total', help: 'Bodies that were given up, by reason.' },
    ['listener', 'reason'],
  )

  const count = (body: Open, bytes: number) => {
    body.bytes += bytes
    held.add(body.caller, bytes)
    gauge.set(held.total)
  }
  const forget = (body: Open) => {
    const own = byCaller.get(body.caller)
    own?.remove(body)
    if (own?.size === 0) byCaller.delete(body.caller)
    count(body, -body.bytes)
  }
  const makeRoom = () => {
    while (held.total > MAX_HELD_BYTES) {
      const oldest = byCaller.get(held.largest ?? '')?.oldest
      if (oldest === undefined) return
      oldest.end(
        'full',
        appError('TOOMANYREQUESTS', { message: 'too many bodies are on their way; send it again later' }),
      )
    }
  }

  return {
    open({ socket }, refuse) {
      let open = true
      const late = () =>
        body.end('late', appError('REQUEST_TIMEOUT', { message: 'the body of the request is too slow' }))
      const timer = clock.setTimer(MAX_BODY_MS, late)
      const close = () => {
        if (!open) return
        open = false
        timer.cancel()
        forget(body)
      }
      const body: Open = {
        caller: callerAt(socket.remoteAddress ?? ''),
        bytes: 0,
        older: undefined,
        newer: undefined,
        end(reason, err) {
          close()
          refused.with({ listener, reason }).add()
          refuse(err)
        },
      }
      const own = byCaller.get(body.caller) ?? new AgeList()
      own.add(body)
      byCaller.set(body.caller, own)
      return {
        add(bytes) {
          if (!open) return
          count(body, bytes)
          makeRoom()
        },
        close,
      }
    },
  }
}
