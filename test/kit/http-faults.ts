import type { IncomingMessage, OutgoingHttpHeaders, RequestListener, ServerResponse } from 'node:http'
import { type Deferred, deferred } from '../../lib/base/index.ts'
import { byteLengthOf, editAnswer, hideLength, holdBack, swallowAnswer } from './edited-answer.ts'

/** Conditions on a request; an absent condition matches every request. */
export interface FaultMatch {
  readonly method?: string
  /** Matched against path and query, as sent. */
  readonly path?: RegExp
  readonly where?: (req: IncomingMessage) => boolean
  /** Number of matching requests that get the fault, in order; default 1, Infinity for all. */
  readonly times?: number
}

/** Disturbs one exchange; calls `go` to let the handler answer. */
export interface Fault {
  readonly name: string
  readonly apply: (exchange: Exchange) => void
}

interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly go: () => void
}

/** One request as seen by the server. */
export interface FaultedRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly url: string
  readonly range: string | undefined
  /** Name of the fault that the request got. */
  readonly fault: string | undefined
  /** Bytes read of the request's body. */
  readonly receivedBytes: number
  /** Bytes of the answer's body passed to the connection. */
  readonly sentBytes: number
}

/** A fault that waits for requests. */
export interface OrderedFault {
  /** Number of requests that got it so far. */
  readonly met: number
  /** Resolves when the first request gets it. */
  readonly reached: Promise<void>
  /** No further request gets it. */
  cancel(): void
}

export interface Faults {
  /** Arms `fault` for future requests; of several matching faults the oldest is used first. */
  next(match: FaultMatch, fault: Fault): OrderedFault
  /** Cancels all faults. */
  clear(): void
  /** Number of requests that got a fault of this name so far. */
  count(name: string): number
  /** All requests, oldest first, with or without a fault; the numbers of a request grow until it is answered. */
  readonly requests: readonly FaultedRequest[]
}

interface Order {
  readonly match: FaultMatch
  readonly fault: Fault
  readonly reached: Deferred<void>
  left: number
  met: number
}

/** Puts faults in front of any handler: `createServer(withFaults(app).handler)`. */
export function withFaults(handler: RequestListener): { readonly handler: RequestListener; readonly faults: Faults } {
  const orders: Order[] = []
  const requests: FaultedRequest[] = []

  const take = (req: IncomingMessage): Fault | undefined => {
    const order = orders.find(({ match, left }) => left > 0 && matches(match, req))
    if (order === undefined) return undefined
    order.left -= 1
    order.met += 1
    order.reached.resolve()
    return order.fault
  }

  return {
    handler(req, res) {
      const fault = take(req)
      requests.push(watched(req, res, fault?.name))
      if (fault === undefined) handler(req, res)
      else fault.apply({ req, res, go: () => handler(req, res) })
    },
    faults: {
      requests,
      next(match, fault) {
        const order: Order = { match, fault, reached: deferred(), left: match.times ?? 1, met: 0 }
        orders.push(order)
        return {
          get met() {
            return order.met
          },
          reached: order.reached.promise,
          cancel() {
            order.left = 0
          },
        }
      },
      clear() {
        for (const order of orders) order.left = 0
      },
      count: (name) => requests.filter(({ fault }) => fault === name).length,
    },
  }
}

/** Answers instead of the handler, which never sees the request. */
export function answer(status: number, headers: OutgoingHttpHeaders = {}, body: string | Uint8Array = ''): Fault {
  return named('answer', ({ req, res }) => {
    req.resume()
    res.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body)
  })
}

/** An error in the format of S3, e.g. `errorXml(503, 'SlowDown')`. */
export function errorXml(status: number, code: string, headers: OutgoingHttpHeaders = {}): Fault {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>ordered by the test</Message></Error>`
  return answer(status, { 'content-type': 'application/xml', ...headers }, body)
}

/** An error in JSON: TOS uses `{ Code }`, registries use `{ errors: [{ code }] }`. */
export function errorJson(status: number, value: unknown, headers: OutgoingHttpHeaders = {}): Fault {
  return answer(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))
}

/** Status 429 with a Retry-After in seconds. */
export function tooManyRequests(retryAfterSeconds: number): Fault {
  return answer(429, { 'retry-after': String(retryAfterSeconds) })
}

/** Holds the request until `until` resolves; then the handler answers, or the fault `then` is applied. */
export function hold(until: Promise<unknown>, then?: Fault): Fault {
  return named('hold', (exchange) => {
    const goOn = () => {
      if (exchange.res.destroyed) return
      if (then === undefined) exchange.go()
      else then.apply(exchange)
    }
    until.then(goOn, goOn)
  })
}

/** Resets the connection instead of an answer; the handler never sees the request. */
export function reset(): Fault {
  return named('reset', ({ req }) => void req.socket.resetAndDestroy())
}

/** Resets the connection after this many bytes of the request's body, or after all of a shorter body. */
export function resetUploadAfter(bytes: number): Fault {
  return named('reset upload', ({ req, go }) => {
    const push = req.push.bind(req)
    let received = 0
    req.push = (chunk: Uint8Array | null) => {
      received += chunk?.length ?? 0
      if (chunk !== null && received < bytes) return push(chunk)
      req.socket.resetAndDestroy()
      return false
    }
    go()
  })
}

/** Lets the handler finish its work, but resets the connection before the client gets the answer. */
export function loseAnswer(): Fault {
  return named('lose answer', ({ req, res, go }) => {
    swallowAnswer(res, () => void req.socket.resetAndDestroy())
    go()
  })
}

/** Lets the handler finish its work, then calls `done`, and sends the answer when `until` resolves. */
export function holdAnswer(hold: { readonly done: () => void; readonly until: Promise<unknown> }): Fault {
  return named('hold answer', ({ res, go }) => {
    holdBack(res, hold)
    go()
  })
}

/**
 * Resets the connection after `bytes` bytes of the answer's body, some of which may be lost; ignores shorter bodies.
 */
export function resetAfter(bytes: number): Fault {
  return cutting('reset after', bytes, (res) => res.socket?.resetAndDestroy())
}

/** Closes the connection after `bytes` bytes of a body with a larger Content-Length; ignores shorter bodies. */
export function endAfter(bytes: number): Fault {
  return cutting('end after', bytes, (res) => res.socket?.destroySoon())
}

/** Sends the first `bytes` bytes of the body without a Content-Length, so that they look like the whole body. */
export function shorten(bytes: number): Fault {
  return named('shorten', ({ res, go }) => {
    hideLength(res)
    editAnswer(res, async (chunk, at, send) => {
      await send(firstOf(chunk, bytes - at))
      return undefined
    })
    go()
  })
}

/** Sends the first `bytes` bytes of the body, and the rest after `until` resolves. */
export function pauseAfter(bytes: number, until: Promise<unknown>): Fault {
  return named('pause after', ({ res, go }) => {
    editAnswer(res, async (chunk, at, send) => {
      const early = firstOf(chunk, bytes - at)
      await send(early)
      if (early.length === chunk.length) return undefined
      await until
      await send(chunk.subarray(early.length))
      return undefined
    })
    go()
  })
}

/** Sends the bytes of an object up to this offset, whichever range is asked for, and those behind it after `until` resolves. */
export function gate(offset: number, until: Promise<unknown>): Fault {
  return named('gate', (exchange) => {
    pauseAfter(offset - rangeStart(exchange.req.headers.range), until).apply(exchange)
  })
}

/** The first byte that a request for one range asks for. */
export function rangeStart(range: string | undefined): number {
  return Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)
}

/** Inverts the bits of the byte at offset `at` of the body. */
export function corrupt(at = 0): Fault {
  return named('corrupt', ({ res, go }) => {
    editAnswer(res, async (chunk, offset, send) => {
      const wrong = Buffer.from(chunk)
      const index = at - offset
      if (index in wrong) wrong[index] = ~(wrong[index] ?? 0)
      await send(wrong)
      return undefined
    })
    go()
  })
}

/** Removes `range` from `req.headers`; it stays in `rawHeaders`, because the client's signature may cover it. */
export function ignoreRange(): Fault {
  return named('ignore range', ({ req, go }) => {
    delete req.headers.range
    go()
  })
}

function cutting(name: string, bytes: number, cut: (res: ServerResponse) => void): Fault {
  return named(name, ({ res, go }) => {
    editAnswer(res, async (chunk, at, send) => {
      await send(firstOf(chunk, bytes - at))
      if (at + chunk.length < bytes) return undefined
      cut(res)
      return 'over'
    })
    go()
  })
}

function firstOf(chunk: Buffer, bytes: number): Buffer {
  return chunk.subarray(0, Math.max(0, bytes))
}

function named(name: string, apply: Fault['apply']): Fault {
  return { name, apply }
}

function matches({ method, path, where }: FaultMatch, req: IncomingMessage): boolean {
  if (method !== undefined && method !== req.method) return false
  return (path?.test(req.url ?? '') ?? true) && (where?.(req) ?? true)
}

/** Counts the bytes of both bodies. */
function watched(req: IncomingMessage, res: ServerResponse, fault: string | undefined): FaultedRequest {
  const seen = {
    method: req.method ?? '',
    url: req.url ?? '',
    range: req.headers.range,
    fault,
    receivedBytes: 0,
    sentBytes: 0,
  }
  const push = req.push.bind(req)
  req.push = (chunk: Uint8Array | null) => {
    seen.receivedBytes += chunk?.length ?? 0
    return push(chunk)
  }
  const countSent = (chunk: unknown) => {
    seen.sentBytes += byteLengthOf(chunk) ?? 0
  }
  const write = res.write.bind(res) as (...args: unknown[]) => boolean
  const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse
  res.write = ((...args: unknown[]) => {
    countSent(args[0])
    return write(...args)
  }) as typeof res.write
  res.end = ((...args: unknown[]) => {
    countSent(args[0])
    return end(...args)
  }) as typeof res.end
  return seen
}
