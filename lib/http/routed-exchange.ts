import type express from 'express'
import type { Clock } from '../base/index.ts'
import type { BodyBudget } from './body-budget.ts'
import { requestBody } from './request-body.ts'
import type { RequestTarget } from './request-target.ts'
import type { Exchange } from './route.ts'
import type { Visit } from './visit.ts'

export interface RoutedExchangeComponents {
  readonly clock: Pick<Clock, 'setTimer' | 'monotonicMs'>
  readonly bodies: BodyBudget
}

/** What the router has made of a request. */
export interface RoutedRequest {
  readonly req: express.Request
  readonly res: express.Response
  readonly visit: Visit
  readonly target: RequestTarget
}

const paramsOf = (req: express.Request): Record<string, string> => {
  const params: Record<string, string> = {}
  for (const name of Object.keys(req.params)) {
    const value = req.params[name] as string | string[]
    params[name] = Array.isArray(value) ? value.join('/') : value
  }
  return params
}

/** A class, since each request makes one: an object that brings its own getters is slow to make and slow to read. */
export class RoutedExchange implements Exchange {
  readonly req: express.Request
  readonly res: express.Response
  readonly method: string
  readonly path: string
  readonly rawQuery: string
  readonly params: Readonly<Record<string, string>>
  readonly principal: Exchange['principal']
  readonly bodies: BodyBudget
  readonly requestId: string
  readonly signal: AbortSignal
  readonly #clock: RoutedExchangeComponents['clock']
  #query: URLSearchParams | undefined

  constructor(
    { clock, bodies }: RoutedExchangeComponents,
    { req, res, visit, target }: RoutedRequest,
    principal: Exchange['principal'],
  ) {
    const { path, query } = target
    const { requestId, signal } = visit
    this.req = req
    this.res = res
    this.method = req.method
    this.path = path
    this.rawQuery = query
    this.params = paramsOf(req)
    this.principal = principal
    this.bodies = bodies
    this.requestId = requestId
    this.signal = signal
    this.#clock = clock
  }

  get query() {
    this.#query ??= new URLSearchParams(this.rawQuery)
    return this.#query
  }

  get body() {
    return requestBody(this.#clock, this.req, this.signal)
  }
}
