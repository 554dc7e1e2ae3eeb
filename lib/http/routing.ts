import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import {
  type AppError,
  appError,
  type Clock,
  codeOf,
  hasCode,
  isAbort,
  isAppError,
  throwIfAborted,
  toAppError,
} from '../base/index.ts'
import type { Identify } from '../identity/index.ts'
import type { AuditTrail, Logger } from '../telemetry/index.ts'
import { sendBytes } from './answers.ts'
import { noteAction, noteChange, noteHidden, noteRefusal } from './audited.ts'
import type { BodyBudget } from './body-budget.ts'
import type { Door } from './door.ts'
import { type Envelope, errorAnswer } from './error-envelope.ts'
import type { Forward, ServeInside, Shown, Way } from './forward/forward.ts'
import type { EnterLoad } from './load.ts'
import { unsatisfiedContentRange } from './range.ts'
import { headersOf } from './refusal.ts'
import { parseRequestTarget, type RequestTarget } from './request-target.ts'
import { requireRight } from './require-right.ts'
import type { Exchange, Route } from './route.ts'
import { RoutedExchange } from './routed-exchange.ts'
import type { TracedVisits } from './traced-visits.ts'
import type { Visit } from './visit.ts'

export interface RoutingComponents {
  readonly logger: Logger
  readonly identify: Identify
  /** Hears of every admin action, every change of a registry, and every refusal of a right. */
  readonly audit: AuditTrail
  /** Stands before all routes. */
  readonly door: Door
  readonly bodies: BodyBudget
  readonly clock: Pick<Clock, 'setTimer' | 'monotonicMs'>
  /** Stands before each route, once the caller's rights are known. */
  readonly enterLoad: EnterLoad
  /** Takes what is for hosts elsewhere; default: there is none. */
  readonly forward?: Forward | undefined
  /** For connections inside of those that go away. */
  readonly serveInside: ServeInside
  /** Runs what a route does as a part of its trace. */
  readonly traced: TracedVisits
  /** Told of each answer that is an error. */
  readonly onFailure: (err: AppError) => void
}

export interface RoutingInit {
  readonly routes: readonly Route[]
  readonly envelope: Envelope
}

/** Takes one request to its route, or answers with the error that it was refused with; never throws. */
export type Dispatch = (req: IncomingMessage, res: ServerResponse, visit: Visit, refused?: AppError) => void

const challenge: Readonly<Record<Envelope, string>> = {
  own: 'Bearer realm="shoal"',
  text: 'Bearer realm="shoal"',
  registry: 'Basic realm="shoal"',
}

/** Nothing that is served is a page of ours: a browser that is led to it shows it without any rights, as what it says. */
const inert = { 'content-security-policy': "default-src 'none'; sandbox", 'x-content-type-options': 'nosniff' }

/** What every answer of a listener carries, errors too. */
const constantHeaders: Readonly<Record<Envelope, Readonly<Record<string, string>>>> = {
  own: inert,
  text: inert,
  registry: { ...inert, 'docker-distribution-api-version': 'registry/2.0' },
}

const visitOf = (res: express.Response): Visit => (res.locals as { readonly visit: Visit }).visit

const targetOf = (res: express.Response): RequestTarget => (res.locals as { readonly target: RequestTarget }).target

const pathOf = (res: express.Response) => (res.locals as { readonly target?: RequestTarget }).target?.path

const goneCodes = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED']

/**
 * True when the failure is only a consequence of the client's disconnect. A failed source with a live client is not.
 */
const clientGone = (err: unknown, res: ServerResponse, visit: Visit): boolean =>
  (isAbort(err) || hasCode(err, ...goneCodes)) && (res.destroyed || hasCode(visit.signal.reason, 'ABORTED'))

/** Express and its router mark the requests they refuse, such as malformed percent-encoding, with a `status` of 400. */
const asAppError = (err: unknown, visit: Visit) => {
  const reason: unknown = visit.signal.reason
  if (isAbort(err) && isAppError(reason)) return appError(reason.code, { message: reason.message, cause: err })
  if (isAppError(err)) return err
  const refused = typeof err === 'object' && err !== null && 'status' in err && err.status === 400
  return refused
    ? appError('REQUEST_INVALID', { message: 'the path is not correctly percent-encoded', cause: err })
    : toAppError(err)
}

const levelOf = (status: number, retryable: boolean): 'debug' | 'warn' | 'error' => {
  if (status < 500) return 'debug'
  return retryable ? 'warn' : 'error'
}

/** A 416 states the size of the content when `detail.size` has it. */
const unsatisfied = ({ status, detail: { size } = {} }: AppError): string | undefined =>
  status === 416 && typeof size === 'number' ? unsatisfiedContentRange(size) : undefined

type AnswerError = (err: unknown, req: express.Request, res: express.Response) => void

const answerError = (
  { logger, audit, onFailure }: Pick<RoutingComponents, 'logger' | 'audit' | 'onFailure'>,
  envelope: Envelope,
): AnswerError => {
  return (err, req, res) => {
    const visit = visitOf(res)
    const facts = { route: visit.route, method: req.method, requestId: visit.requestId, ...visit.trace }
    if (clientGone(err, res, visit)) {
      logger.debug('client disconnected before the answer was finished', { ...facts, code: codeOf(err) })
      res.destroy()
      return
    }
    const failure = asAppError(err, visit)
    noteRefusal(audit, { req, visit, path: pathOf(res) }, failure)
    onFailure(failure)
    logger[levelOf(failure.status, failure.retryable)]('failed to answer a request', { ...facts, err: failure })
    if (res.headersSent) {
      res.destroy()
      return
    }
    const kept = ['x-request-id', ...Object.keys(constantHeaders[envelope])]
    for (const name of res.getHeaderNames()) if (!kept.includes(name)) res.removeHeader(name)
    const last =
      visit.signal.aborted || hasCode(failure, 'SHUTTING_DOWN', 'REQUEST_TIMEOUT', 'HEAD_TOO_SLOW', 'BODY_TOO_SLOW')
    if (last) res.setHeader('connection', 'close')
    const { body, headers } = errorAnswer(failure, envelope, req.headers.accept)
    const more = {
      'www-authenticate': failure.status === 401 ? challenge[envelope] : undefined,
      'content-range': unsatisfied(failure),
      allow: visit.allowed.size > 0 ? [...visit.allowed].join(', ') : undefined,
    }
    const { status } = failure
    sendBytes({ method: req.method, res }, { status, body, headers: { ...headers, ...more, ...headersOf(failure) } })
  }
}

/** A request of HTTP/1.1 names one host (RFC 9112, 3.2). */
const requireHost = (req: IncomingMessage): void => {
  const named = req.headersDistinct['host'] ?? []
  if (named.length === 1 || (named.length === 0 && req.httpVersion === '1.0')) return
  throw appError('REQUEST_INVALID', { message: 'the request must have exactly one Host header' })
}

/** Parses the target once, for routes and handlers; the router would parse a whole URL differently. */
const targetFor = (req: express.Request, text: string): RequestTarget => {
  if (req.method === 'CONNECT') return { scheme: 'tunnel', authority: text, path: '', query: '' }
  requireHost(req)
  return parseRequestTarget(text)
}

const nothingThere = (res: express.Response): AppError =>
  appError(visitOf(res).allowed.size === 0 ? 'NOT_FOUND' : 'METHOD_NOT_ALLOWED')

/** The request, once it is known who is calling. */
async function exchangeOf(components: RoutingComponents, req: express.Request, res: express.Response) {
  const visit = visitOf(res)
  const { shown } = res.locals as { readonly shown?: Shown }
  visit.principal = await components.identify(shown ?? req, { signal: visit.signal })
  const { clock, bodies } = components
  return new RoutedExchange({ clock, bodies }, { req, res, visit, target: targetOf(res) }, visit.principal)
}

async function sendAway(components: RoutingComponents, forward: Forward, req: express.Request, res: express.Response) {
  visitOf(res).route = forward.name
  req.params = {}
  const exchange = await exchangeOf(components, req, res)
  forward.admits(exchange)
  await forward.handle(exchange, components.serveInside)
}

/** All routes of one path; a method without a route here goes on to the next matching pattern. */
const pathHandler = (routes: readonly Route[], components: RoutingComponents): express.RequestHandler => {
  return async (req, res, next) => {
    const visit = visitOf(res)
    const route = routes.find(({ methods }) => (methods as readonly string[]).includes(req.method))
    if (route === undefined) {
      for (const method of routes.flatMap(({ methods }) => methods)) visit.allowed.add(method)
      next()
      return
    }
    visit.route = route.path
    visit.allowed.clear()
    const exchange = await exchangeOf(components, req, res)
    const take = () => takeRoute(components, route, exchange, visit)
    await (route.untraced === true ? take() : components.traced(exchange, visit, take))
  }
}

/** Does what the route is for, if the caller may and there is room for it. */
async function takeRoute(components: RoutingComponents, route: Route, exchange: Exchange, visit: Visit): Promise<void> {
  const { req, res } = exchange
  if (route.admits === undefined) requireRight(exchange, route.right, route.orRight)
  else if (route.admits(exchange) === 'hidden') noteHidden(components.audit, exchange)
  visit.holds(await components.enterLoad({ req, path: exchange.path }, visit.signal))
  throwIfAborted(visit.signal)
  if (route.right === 'admin' || route.right === 'inspect') noteAction(components.audit, exchange)
  if (route.changes !== undefined) noteChange(components.audit, exchange, route.changes)
  await route.handle(exchange)
  if (!res.headersSent && !res.destroyed) throw appError('UNKNOWN', { message: 'the handler gave no answer' })
}

/**
 * Builds the routing table. Patterns are tried in the order in which their paths first appear. Only the router of express
 * is used: its application gives each request and each answer another prototype, which takes longer than all of this.
 */
export function routing(components: RoutingComponents, init: RoutingInit): Dispatch {
  const router = express.Router({ caseSensitive: true, strict: true })
  const byPath = new Map<string, Route[]>()
  for (const route of init.routes) byPath.set(route.path, [...(byPath.get(route.path) ?? []), route])
  for (const [path, routes] of byPath) router.all(path, pathHandler(routes, components))
  const fail = answerError(components, init.envelope)
  const headers = Object.entries(constantHeaders[init.envelope])

  const { forward } = components
  const route = (req: express.Request, res: express.Response, refused: AppError | undefined) => {
    const text = req.url
    req.url = '/'
    try {
      if (refused !== undefined) throw refused
      const asked = targetFor(req, text)
      const way: Way = forward?.wayOf(req, asked) ?? { to: 'routes' }
      const target = (way.to === 'routes' ? way.target : undefined) ?? asked
      res.locals['target'] = target
      res.locals['shown'] = way.shown
      if (forward !== undefined && way.to === 'away') {
        sendAway(components, forward, req, res).catch((err: unknown) => fail(err, req, res))
        return
      }
      req.url = target.query === '' ? target.path : `${target.path}?${target.query}`
      if (target === asked) components.door(req, target)
    } catch (err) {
      fail(err, req, res)
      return
    }
    router(req, res, (err: unknown) => fail(err ?? nothingThere(res), req, res))
  }
  return (req, res, visit, refused) => {
    res.setHeader('x-request-id', visit.requestId)
    for (const [name, value] of headers) res.setHeader(name, value)
    const answer = res as express.Response
    answer.locals = { visit }
    route(req as express.Request, answer, refused)
  }
}
