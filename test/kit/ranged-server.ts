import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { contentRange, parseRange } from '../../lib/http/index.ts'
import { keptAlive } from './kept-alive.ts'
import { listening } from './listening.ts'
import { buildResource } from './resource-stack.ts'

/** A request that has come. */
export interface SeenByServer {
  readonly at: 'host' | 'place'
  readonly method: string
  readonly range: string | undefined
  readonly ifMatch: string | undefined
  readonly authorization: string | undefined
  readonly status: number
}

/** A web server or registry with one object under every path. */
interface RangedServer {
  /** Base URL without a trailing slash. */
  readonly url: string
  /** Where signed URLs lead. */
  readonly placeUrl: string
  readonly web: RangedObject
}

/** What the server has and how it answers; both can be changed while it runs. */
export class RangedObject {
  /** Another one has another entity tag. */
  content: Uint8Array
  ignoresRanges = false
  /** Reads are sent to a place of its own for a URL that is signed. */
  redirects = false
  ignoresConditions = false
  /** Reads at the host, not of what it signed, want a name and a password. */
  wantsLogin = false
  /** What the host says of each blob that it gives. */
  saysDigest: string | undefined
  /** Reads that have come, oldest first. */
  readonly reads: SeenByServer[] = []
  #signature = 1
  #refusal: { readonly status: number; readonly headers: Readonly<Record<string, string>> } | undefined
  #cut: number | undefined
  #short: number | undefined
  #heldTo = 0
  readonly #held: (() => void)[] = []
  readonly #tags = new Map<Uint8Array, string>()

  constructor(content: Uint8Array) {
    this.content = content
  }

  /** URLs that were signed so far are refused. */
  expire() {
    this.#signature += 1
  }

  /** Bodies of ranges that begin before this offset give no byte until the next call; 0 gives all of them. */
  hold(offset: number) {
    this.#heldTo = offset
    for (const send of this.#held.splice(0)) send()
  }

  /** The next read gets this status instead. */
  refuseNext(status: number, headers = {}) {
    this.#refusal = { status, headers }
  }

  /** The next body breaks off after so many bytes. */
  cutNext(bytes: number) {
    this.#cut = bytes
  }

  /** The next body has so many bytes, and a length that says so, whatever the range is that it is said to be. */
  shortenNext(bytes: number) {
    this.#short = bytes
  }

  answer(at: 'host' | 'place', placeUrl: string, req: IncomingMessage, res: ServerResponse): void {
    const { range, 'if-match': ifMatch, authorization } = req.headers
    const method = req.method ?? ''
    const say = (status: number, headers: Readonly<Record<string, string | number>> = {}) => {
      if (method === 'GET') this.reads.push({ at, method, range, ifMatch, authorization, status })
      return res.writeHead(status, { 'content-length': 0, ...headers })
    }
    const refusal = method === 'GET' ? this.#refusal : undefined
    if (refusal !== undefined) {
      this.#refusal = undefined
      return void say(refusal.status, refusal.headers).end()
    }
    if (at === 'host' && this.wantsLogin && authorization === undefined) {
      return void say(401, { 'www-authenticate': 'Basic realm="test"' }).end()
    }
    if (at === 'place' && req.url !== this.#signed) return void say(403).end()
    if (at === 'host' && this.redirects && method === 'GET') {
      return void say(307, { location: `${placeUrl}${this.#signed}` }).end()
    }
    if (!this.ignoresConditions && ifMatch !== undefined && ifMatch !== this.#tag) return void say(412).end()
    this.#give(say, req, res)
  }

  get #signed() {
    return `/signed/${this.#signature}`
  }

  get #tag(): string {
    const known = this.#tags.get(this.content) ?? `"version ${this.#tags.size + 1}"`
    this.#tags.set(this.content, known)
    return known
  }

  #give(
    say: (status: number, headers: Readonly<Record<string, string | number>>) => unknown,
    req: IncomingMessage,
    res: ServerResponse,
  ) {
    const size = this.content.length
    const asked = this.ignoresRanges ? { kind: 'whole' as const } : parseRange(req.headers.range, size)
    const { start, end } = asked.kind === 'single' ? asked.range : { start: 0, end: size }
    const length = this.#short ?? end - start
    this.#short = undefined
    const headers = {
      ...{ etag: this.#tag, 'content-length': length },
      ...(this.saysDigest !== undefined && { 'docker-content-digest': this.saysDigest }),
    }
    if (asked.kind === 'unsatisfiable') say(416, {})
    else if (asked.kind === 'single') say(206, { ...headers, 'content-range': contentRange({ start, end }, size) })
    else say(200, headers)
    if (req.method === 'HEAD' || asked.kind === 'unsatisfiable') return void res.end()
    const cut = this.#cut
    this.#cut = undefined
    const send = () => {
      if (cut === undefined) return void res.end(this.content.subarray(start, start + length))
      res.write(this.content.subarray(start, start + cut), () => res.socket?.destroySoon())
    }
    if (start >= this.#heldTo) send()
    else {
      res.flushHeaders()
      this.#held.push(send)
    }
  }
}

export const rangedServer = (content: Uint8Array) =>
  buildResource<RangedServer>(async (stack) => {
    const web = new RangedObject(content)
    const open = async (at: 'host' | 'place', placeUrl: string): Promise<string> => {
      const server = createServer(keptAlive, (req, res) => web.answer(at, placeUrl, req, res))
      return stack.own(await listening(server)).url
    }
    const placeUrl = await open('place', '')
    return { url: await open('host', placeUrl), placeUrl, web }
  })
