import type { Readable } from 'node:stream'
import { type AbortOptions, appError, hasCode } from '../../../lib/base/index.ts'
import { type Digest, digestFromHex, parseDigest } from '../../../lib/core/index.ts'
import { errorFromResponse, type HttpClient, type HttpResponse, parseContentRange } from '../../../lib/http/index.ts'
import { manifestMediaTypes } from '../../../lib/registry/index.ts'
import type { Wanted } from './asked-for.ts'

/** Manifests in every form that a registry may hold. */
const ACCEPT = [...Object.values(manifestMediaTypes), '*/*'].join(', ')

/** A blob that is cold is answered when its first byte is there. */
const HEADERS_MS = 60_000

/** Content that is being read. */
export interface OpenContent {
  readonly body: Readable
  /** Offset of the first byte of `body`. */
  readonly start: number
  /** Offset behind the last byte of `body`. */
  readonly end: number
  /** What the agent says that the whole content is. */
  readonly digest: Digest | undefined
}

/** Content of a registry or of a URL, as an agent serves it. */
export class ContentSource {
  readonly #http: HttpClient
  readonly #url: string
  readonly #wanted: Wanted
  /** Of the content of a URL, which may change between two reads. */
  #tag: string | undefined
  /** Whether a digest is a blob or a manifest is seen when it is asked for. */
  #kinds: readonly string[]

  constructor(http: HttpClient, url: string, wanted: Wanted) {
    this.#http = http
    this.#url = url
    this.#wanted = wanted
    this.#kinds = 'url' in wanted ? ['urls'] : wanted.digest === undefined ? ['manifests'] : ['blobs', 'manifests']
  }

  /** Of a URL, once it was opened: names its content among all that it has had. */
  get tag(): string | undefined {
    return this.#tag
  }

  /**
   * Opens the whole content, or the part that `range` (as `0-99`, `100-`, `-5`) stands for.
   * @throws what the agent answers; CHANGED_MEANWHILE when the URL has other content than at the first call; UNSUPPORTED when it gives something else than was asked for
   */
  async open(range: string | undefined, options: AbortOptions): Promise<OpenContent> {
    const [kind = 'blobs', ...others] = this.#kinds
    const answer = await this.#ask(kind, range, options)
    if (answer.status === 200 || answer.status === 206) {
      this.#kinds = [kind]
      if (kind === 'urls') this.#tag ??= answer.headers['etag']
      return contentOf(answer, range)
    }
    if (answer.status === 412) {
      await answer.discard()
      throw appError('CHANGED_MEANWHILE', { message: 'the content of the URL has changed meanwhile; start again' })
    }
    const err = await errorFromResponse(answer)
    if (others.length === 0 || !hasCode(err, 'BLOB_UNKNOWN')) throw err
    this.#kinds = others
    return this.open(range, options)
  }

  #ask(kind: string, range: string | undefined, { signal }: AbortOptions): Promise<HttpResponse> {
    const url = this.#url + pathOf(this.#wanted, kind)
    const headers = {
      accept: ACCEPT,
      ...(range !== undefined && { range: `bytes=${range}` }),
      ...(this.#tag !== undefined && { 'if-match': this.#tag }),
    }
    return this.#http.request({ method: 'GET', url, headers, lane: 'download', headersTimeoutMs: HEADERS_MS, signal })
  }
}

function pathOf(wanted: Wanted, kind: string): string {
  if ('url' in wanted) return `/urls?url=${encodeURIComponent(wanted.url)}`
  const { host, repository, reference } = wanted
  const ns = host === undefined ? '' : `?ns=${encodeURIComponent(host)}`
  return `/v2/${repository.split('/').map(encodeURIComponent).join('/')}/${kind}/${reference}${ns}`
}

/** What the agent says that the whole is: as registries do, or by RFC 9530. */
function digestIn(headers: HttpResponse['headers']): Digest | undefined {
  const told = headers['docker-content-digest']
  if (told !== undefined) return parseDigest(told)
  const encoded = /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(headers['repr-digest'] ?? '')?.[1]
  return encoded === undefined ? undefined : digestFromHex('sha256', Buffer.from(encoded, 'base64').toString('hex'))
}

function contentOf({ status, headers, body }: HttpResponse, range: string | undefined): OpenContent {
  const digest = digestIn(headers)
  if (range === undefined && status === 200) return { body, digest, start: 0, end: Number(headers['content-length']) }
  const given = parseContentRange(headers['content-range'])?.range
  if (range !== undefined && status === 206 && given !== undefined) return { body, digest, ...given }
  body.destroy()
  throw appError('UNSUPPORTED', { message: `the agent answered ${status} where ${range ?? 'all'} was asked for` })
}
