import type { Readable } from 'node:stream'
import { type AbortOptions, appError, hasCode } from '../../../lib/base/index.ts'
import { type Digest, parseDigest } from '../../../lib/core/index.ts'
import { errorFromResponse, type HttpClient, type HttpResponse, parseContentRange } from '../../../lib/http/index.ts'
import { manifestMediaTypes } from '../../../lib/registry/index.ts'
import type { ImageName } from '../image-name.ts'

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

/** Content of a registry, as an agent serves it. */
export class ContentSource {
  readonly #http: HttpClient
  readonly #url: string
  readonly #wanted: ImageName
  /** Whether a digest is a blob or a manifest is seen when it is asked for. */
  #kinds: readonly string[]

  constructor(http: HttpClient, url: string, wanted: ImageName) {
    this.#http = http
    this.#url = url
    this.#wanted = wanted
    this.#kinds = wanted.digest === undefined ? ['manifests'] : ['blobs', 'manifests']
  }

  /**
   * Opens the whole content, or the part that `range` (as `0-99`, `100-`, `-5`) stands for.
   * @throws what the agent answers; UNSUPPORTED when it gives something else than was asked for
   */
  async open(range: string | undefined, options: AbortOptions): Promise<OpenContent> {
    const [kind = 'blobs', ...others] = this.#kinds
    const answer = await this.#ask(kind, range, options)
    if (answer.status === 200 || answer.status === 206) {
      this.#kinds = [kind]
      return contentOf(answer, range)
    }
    const err = await errorFromResponse(answer)
    if (others.length === 0 || !hasCode(err, 'BLOB_UNKNOWN')) throw err
    this.#kinds = others
    return this.open(range, options)
  }

  #ask(kind: string, range: string | undefined, { signal }: AbortOptions): Promise<HttpResponse> {
    const { host, repository, reference } = this.#wanted
    const ns = host === undefined ? '' : `?ns=${encodeURIComponent(host)}`
    const url = `${this.#url}/v2/${repository.split('/').map(encodeURIComponent).join('/')}/${kind}/${reference}${ns}`
    const headers = { accept: ACCEPT, ...(range !== undefined && { range: `bytes=${range}` }) }
    return this.#http.request({ method: 'GET', url, headers, lane: 'download', headersTimeoutMs: HEADERS_MS, signal })
  }
}

function contentOf({ status, headers, body }: HttpResponse, range: string | undefined): OpenContent {
  const told = headers['docker-content-digest']
  const digest = told === undefined ? undefined : parseDigest(told)
  if (range === undefined && status === 200) return { body, digest, start: 0, end: Number(headers['content-length']) }
  const given = parseContentRange(headers['content-range'])?.range
  if (range !== undefined && status === 206 && given !== undefined) return { body, digest, ...given }
  body.destroy()
  throw appError('UNSUPPORTED', { message: `the agent answered ${status} where ${range ?? 'all'} was asked for` })
}
