import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { AbortOptions } from '../base/index.ts'
import { type Cluster, type Member, tryEach } from '../cluster/index.ts'
import { type ByteRange, parseWebUrl, urlRepository, type WebUrl } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, send, sendForJson } from './answer.ts'
import { text } from './bounded.ts'
import { originTimeouts } from './origin-contract.ts'
import { query } from './path.ts'
import { byteCountSchema, digestSchema, parsed } from './schemas.ts'

/** Routes of origins for what lies under URLs. */
export const urlRoutes = { urls: '/urls', content: '/urls/content' } as const

const MAX_URL = 2048
const MAX_HEADER = 256

const webUrlSchema = parsed(parseWebUrl, MAX_URL)

/** Body of the question what a URL stands for. */
export const urlAskedSchema = z.object({ url: webUrlSchema })

const facts = {
  size: byteCountSchema,
  etag: text(MAX_HEADER).optional(),
  lastModified: text(MAX_HEADER).optional(),
  mediaType: text(MAX_HEADER).optional(),
}

/** What a URL was found to stand for; `provenAtMs`, since the epoch, is when the web server last said so. */
export const urlRecordSchema = z.object({
  url: webUrlSchema,
  digest: digestSchema,
  provenAtMs: byteCountSchema,
  ...facts,
})
export type UrlRecord = z.output<typeof urlRecordSchema>

/** A digest, or what is known while the content comes and has none yet. */
export const urlAnswerSchema = z.object({ ...facts, digest: digestSchema.optional() })
export type UrlAnswer = z.output<typeof urlAnswerSchema>

/** What an origin says of a URL. */
export interface AskedUrl extends UrlAnswer {
  /** The origin that was asked: what comes, comes there. */
  readonly member: Member
}

/**
 * What lies under URLs, as the origins of a cluster bring it.
 * @throws NO_HEALTHY_MEMBER, what an origin answers
 */
export interface UrlCluster {
  /** Asks the first living origin of the URL, which brings it if it must. */
  ask(url: WebUrl, options: AbortOptions): Promise<AskedUrl>
  /** A part of what comes at that origin. @throws URL_CHANGED when it comes no more */
  readComing(
    member: Member,
    url: WebUrl,
    options: AbortOptions & { readonly range: ByteRange; readonly tag: string },
  ): Promise<Readable>
}

export interface UrlClusterComponents {
  readonly http: HttpClient
  /** The ring of origins. */
  readonly cluster: Cluster
}

export function urlCluster({ http, cluster }: UrlClusterComponents): UrlCluster {
  return {
    ask(url, { signal }) {
      const ask = async (member: Member): Promise<AskedUrl> => {
        const target = member.url + urlRoutes.urls
        const wait = { headersTimeoutMs: originTimeouts.bringMs }
        const request = { method: 'POST', url: target, ...jsonBody({ url }), signal, ...wait } as const
        return { ...(await sendForJson(http, request, { schema: urlAnswerSchema })), member }
      }
      return tryEach(cluster, urlRepository(url).name, ask, { signal })
    },
    async readComing(member, url, { range, tag, signal }) {
      const target = `${member.url}${urlRoutes.content}${query({ url })}`
      const headers = { range: `bytes=${range.start}-${range.end - 1}`, 'if-match': `"${tag}"` }
      const wait = { headersTimeoutMs: originTimeouts.bringMs, idleTimeoutMs: originTimeouts.pieceMs }
      const request = { method: 'GET', url: target, lane: 'download', headers, signal, ...wait } as const
      return (await send(http, request, [206])).body
    },
  }
}
