import { Readable } from 'node:stream'
import type { Agent, Dispatcher } from 'undici'
import {
  type AppError,
  appError,
  type Clock,
  hasCode,
  isAppError,
  lacksFiles,
  onAbort,
  type Timer,
  toAppError,
} from '../base/index.ts'
import { distrustIn } from './distrust.ts'
import type { HttpRequest, HttpResponse } from './http-client.ts'
import { httpResponse } from './http-response.ts'
import { type ResponseBody, responseBody } from './response-body.ts'

const DEFAULT_HEADERS_MS = 10_000
const DEFAULT_IDLE_MS = 30_000

/** Maps what undici and its socket throw to the codes that `HttpClient` promises. */
const clientError = (err: unknown, request: HttpRequest): AppError => {
  const source = request.body instanceof Readable ? request.body.errored : null
  if (source !== null) return toAppError(source)
  if (isAppError(err) || lacksFiles(err)) return toAppError(err)
  const detail = { method: request.method, origin: new URL(request.url).origin }
  if (hasCode(err, 'UND_ERR_CONNECT_TIMEOUT')) return appError('REQUEST_TIMEOUT', { detail, cause: err })
  if (hasCode(err, 'UND_ERR_DESTROYED', 'UND_ERR_CLOSED', 'UND_ERR_ABORTED')) return appError('ABORTED', { cause: err })
  if (hasCode(err, 'UND_ERR_INVALID_ARG')) return appError('REQUEST_INVALID', { detail, cause: err })
  const distrust = distrustIn(err)
  if (distrust !== undefined) {
    const message = `no TLS with ${detail.origin}: ${distrust}`
    return appError('TLS_UNTRUSTED', { message, detail, cause: err })
  }
  return appError('PEER_CLOSED', { message: 'the peer cannot be reached or closed the connection', detail, cause: err })
}

/**
 * Passes on a request body. While a long upload makes progress, its answer is not late; nor is it while the peer has all
 * that the body has given: a body that stalls is its giver's fault, and the giver's limits apply.
 */
async function* watched(body: Readable, wait: Pick<Patience, 'touch' | 'hold'>): AsyncGenerator<Uint8Array> {
  wait.hold()
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    wait.touch()
    yield chunk
    wait.hold()
  }
  wait.touch()
}

/** The wait for the header of an answer: the time left, and what ends the wait. */
interface Patience {
  /** The whole time is left, from now. */
  touch(): void
  /** No time passes until `touch`. */
  hold(): void
  release(): void
}

const patience = (clock: Clock, limitMs: number, expire: () => void): Patience => {
  let timer: Timer | undefined
  let over = limitMs <= 0
  const hold = () => timer?.cancel()
  const touch = () => {
    hold()
    if (!over) timer = clock.setTimer(limitMs, expire)
  }
  touch()
  return {
    touch,
    hold,
    release() {
      over = true
      hold()
    },
  }
}

type Outcome = {
  readonly resolve: (response: HttpResponse) => void
  readonly reject: (err: AppError) => void
  /** Called once, when nothing more of the request or its answer is to come; somebody may still have to read it. */
  readonly onOver: () => void
}

/** One request and its answer; connects the caller's promise and signal with undici's callbacks. */
class UndiciExchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest
  readonly #outcome: Outcome
  readonly #wait: Patience
  readonly #body: ResponseBody
  readonly #unfollow: () => void = () => undefined
  readonly #outlive: () => void = () => undefined
  #controller: Dispatcher.DispatchController | undefined
  #failure: AppError | undefined
  #answered = false
  #over = false

  constructor({ clock, stopped }: Pick<Means, 'clock' | 'stopped'>, request: HttpRequest, outcome: Outcome) {
    this.#request = request
    this.#outcome = outcome
    const limitMs = request.headersTimeoutMs ?? DEFAULT_HEADERS_MS
    const detail = { method: request.method, origin: new URL(request.url).origin, limitMs }
    this.#wait = patience(clock, limitMs, () => this.#giveUp(appError('REQUEST_TIMEOUT', { detail })))
    this.#body = responseBody(clock, {
      idleMs: request.idleTimeoutMs ?? DEFAULT_IDLE_MS,
      flow: (paused) => (paused ? this.#controller?.pause() : this.#controller?.resume()),
      cut: (err) => this.#controller?.abort(err),
      onClose: () => this.#release(),
    })
    this.#unfollow = onAbort(request.signal, () => this.#giveUp(appError('ABORTED', { cause: request.signal?.reason })))
    this.#outlive = onAbort(stopped, () => this.#giveUp(appError('ABORTED', { message: 'the http client is stopped' })))
  }

  /** The body to send; a stream is watched for progress. */
  payload(): Uint8Array | AsyncIterable<Uint8Array> | null {
    const { body } = this.#request
    return body instanceof Readable ? watched(body, this.#wait) : (body ?? null)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure !== undefined) controller.abort(this.#failure)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) {
      this.#wait.touch()
      return
    }
    this.#answered = true
    this.#wait.release()
    this.#outcome.resolve(httpResponse(status, headers, this.#body.readable))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#body.push(chunk)
  }

  onResponseEnd(): void {
    this.#dropSource()
    this.#leave()
    this.#body.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, err: unknown): void {
    this.#settle(clientError(this.#failure ?? err, this.#request))
  }

  #giveUp(err: AppError): void {
    this.#failure ??= err
    this.#settle(this.#failure)
    this.#controller?.abort(this.#failure)
  }

  #settle(err: AppError): void {
    this.#dropSource()
    this.#release()
    if (this.#answered) this.#body.fail(err)
    else this.#outcome.reject(err)
  }

  #dropSource(): void {
    const { body } = this.#request
    if (body instanceof Readable && !body.destroyed) body.on('error', () => undefined).destroy()
  }

  #leave(): void {
    if (!this.#over) this.#outcome.onOver()
    this.#over = true
    this.#outlive()
  }

  #release(): void {
    this.#leave()
    this.#wait.release()
    this.#unfollow()
  }
}

/** What one exchange goes over. */
export interface Means {
  readonly agent: Agent
  readonly clock: Clock
  /** Cuts what runs: `agent` forgets connections that begin while the last one of the same origin closes. */
  readonly stopped: AbortSignal
  /** Called once, when nothing more of the request or its answer is to come; somebody may still have to read it. */
  readonly onOver: () => void
}

/** Sends one request over `agent`. The caller's signal applies until the body of the answer has ended. */
export function exchangeOver({ agent, onOver, ...means }: Means, request: HttpRequest): Promise<HttpResponse> {
  if (request.signal?.aborted === true) {
    onOver()
    return Promise.reject(appError('ABORTED', { cause: request.signal.reason }))
  }
  if (!URL.canParse(request.url)) {
    onOver()
    return Promise.reject(appError('REQUEST_INVALID', { message: 'the URL of the request is malformed' }))
  }
  const { origin, pathname, search } = new URL(request.url)
  return new Promise((resolve, reject) => {
    const exchange = new UndiciExchange(means, request, { resolve, reject, onOver })
    agent.dispatch(
      {
        origin,
        path: pathname + search,
        method: request.method,
        headers: request.headers ?? {},
        // undici accepts any async iterable, but its types allow only Node's own streams.
        body: exchange.payload() as Readable | null,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      exchange,
    )
  })
}
