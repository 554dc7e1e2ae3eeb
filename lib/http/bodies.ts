import { appError, hasCode, onAbort, parseJson } from '../base/index.ts'
import type { HeldBody } from './body-budget.ts'
import type { Exchange } from './route.ts'

const DEFAULT_IDLE_MS = 30_000

export interface BodyOptions {
  /** Longest pause between two chunks; default 30 s. The socket itself enforces it. */
  readonly idleTimeoutMs?: number
}

export interface JsonOptions extends BodyOptions {
  /** Media types of JSON, in lower case, besides `application/json`; default none. */
  readonly jsonTypes?: readonly string[]
}

const declaredLength = (exchange: Pick<Exchange, 'req'>): number => Number(exchange.req.headers['content-length'] ?? 0)

/**
 * Reads the whole body of the request.
 * @throws BODY_TOO_LARGE above `limit` bytes, BODY_TOO_SLOW when it stalls, REQUEST_TIMEOUT when it takes too long, TOOMANYREQUESTS when too
 * many bodies are on their way, ABORTED when the client disconnects
 */
export async function readBytes(
  { req, signal, bodies }: Pick<Exchange, 'req' | 'signal' | 'bodies'>,
  limit: number,
  options: BodyOptions = {},
): Promise<Uint8Array> {
  const tooLarge = () => appError('BODY_TOO_LARGE', { detail: { limit } })
  if (declaredLength({ req }) > limit) throw tooLarge()
  const usualIdleMs = req.socket.timeout ?? 0
  const chunks: Uint8Array[] = []
  let size = 0
  let held: HeldBody | undefined
  return new Promise<Uint8Array>((resolve, reject) => {
    let done = false
    let unfollow: () => void = () => undefined
    const finish = (settle: () => void) => {
      if (done) return
      done = true
      held?.close()
      req.off('data', take).off('end', end).off('error', closed).off('close', closed).off('timeout', stalled)
      unfollow()
      req.socket.setTimeout(usualIdleMs)
      settle()
    }
    const take = (chunk: Uint8Array) => {
      size += chunk.byteLength
      if (size > limit) finish(() => reject(tooLarge()))
      else {
        chunks.push(chunk)
        held?.add(chunk.byteLength)
      }
    }
    const end = () => finish(() => resolve(Buffer.concat(chunks, size)))
    const closed = () =>
      finish(() => reject(appError('ABORTED', { message: 'the client disconnected before its body was read' })))
    const stalled = () =>
      finish(() => reject(appError('BODY_TOO_SLOW', { message: 'the body of the request stalled' })))
    if (signal.aborted) {
      closed()
      return
    }
    held = bodies.open(req, (err) => finish(() => reject(err)))
    unfollow = onAbort(signal, closed)
    req.socket.setTimeout(options.idleTimeoutMs ?? DEFAULT_IDLE_MS)
    req.on('data', take).on('end', end).on('error', closed).on('close', closed).on('timeout', stalled)
  })
}

const isOneOf = (contentType: string | undefined, types: readonly string[]): boolean =>
  types.includes(contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '')

/**
 * Reads and parses a JSON body.
 * @throws CONTENT_TYPE_UNSUPPORTED where the request calls it anything else, BODY_INVALID, and what `readBytes` throws
 */
export async function readJson(
  exchange: Pick<Exchange, 'req' | 'signal' | 'bodies'>,
  limit: number,
  options: JsonOptions = {},
): Promise<unknown> {
  const types = ['application/json', ...(options.jsonTypes ?? [])]
  if (!isOneOf(exchange.req.headers['content-type'], types)) throw appError('CONTENT_TYPE_UNSUPPORTED')
  const bytes = await readBytes(exchange, limit, options)
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (err) {
    if (hasCode(err, 'BODY_INVALID')) throw err
    throw appError('BODY_INVALID', { message: 'the body of the request is not JSON', cause: err })
  }
}
