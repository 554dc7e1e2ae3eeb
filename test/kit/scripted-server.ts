import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { systemClock } from '../../lib/base/index.ts'
import { type HttpClient, httpClient } from '../../lib/http/index.ts'
import { keptAlive } from './kept-alive.ts'
import { listening } from './listening.ts'

/** One request as seen by the server, with its whole body. */
export interface SeenRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string
  /** Oldest first. */
  readonly requests: readonly SeenRequest[]
  /** Cuts every connection and refuses new ones. */
  kill(): Promise<void>
}

export type Script = (request: SeenRequest, res: ServerResponse) => void | Promise<void>

/** A plain HTTP server on a free port that answers as the script says; for tests of clients. */
export async function scriptedServer(script: Script): Promise<ScriptedServer> {
  const requests: SeenRequest[] = []
  const play = async (req: IncomingMessage, res: ServerResponse) => {
    const { method = '', url = '', headers } = req
    const request = { method, url, headers, body: await buffer(req) }
    requests.push(request)
    await script(request, res)
  }
  const server = createServer(keptAlive, (req, res) => {
    play(req, res).catch(() => res.destroy())
  })
  return { ...(await listening(server)), requests }
}

/** Answers with a JSON body. */
export function answerJson(res: ServerResponse, status: number, value: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** Answers with an error body of ours. */
export function answerError(res: ServerResponse, status: number, code: string): void {
  answerJson(res, status, { error: { code, message: `scripted ${code}` } })
}

/** A real HTTP client that stops at the end of the test. */
export function disposableHttp(init: Parameters<typeof httpClient>[1] = {}): HttpClient & AsyncDisposable {
  const http = httpClient({ clock: systemClock() }, init)
  return Object.assign(http, { [Symbol.asyncDispose]: () => http.stop() })
}
