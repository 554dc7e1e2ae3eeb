import { z } from 'zod'
import type { UpstreamNews, UpstreamTalk } from '../backend/index.ts'
import type { AbortOptions } from '../base/index.ts'
import { type Cluster, tryEach } from '../cluster/index.ts'
import { type RegistryHost, type RepositoryName, repositoryText } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, sendForJson, sendForNothing } from './answer.ts'
import { list, text } from './bounded.ts'
import { path } from './path.ts'
import { byteCountSchema } from './schemas.ts'

/** Routes of origins by which the processes of a cluster share what they know of registries of others. */
export const upstreamTalkRoutes = {
  standings: '/upstreams',
  news: '/upstreams/:repository',
} as const

/** Upstreams in one answer; a process remembers fewer, besides those of rules without `*`. */
const MAX_UPSTREAMS = 2_000

const msSchema = byteCountSchema
/** As long as a `Retry-After` may ask for. */
const pauseSchema = msSchema.max(300_000)
const budgetSchema = z.object({
  limit: byteCountSchema,
  remaining: byteCountSchema,
  windowSeconds: byteCountSchema.optional(),
  ageMs: msSchema,
})

/** What is said of a repository of an upstream, and of the upstream's budget. Times in milliseconds. */
export const upstreamNewsSchema = z.object({
  refusedForMs: msSchema.optional(),
  pausedForMs: pauseSchema.optional(),
  budget: budgetSchema.optional(),
})
/** Body of the POST: what the sender has found out. */
export const upstreamToldSchema = z.object({
  silent: z.boolean().optional(),
  pausedForMs: pauseSchema.optional(),
  budget: budgetSchema.optional(),
})

/** What a process knows of an upstream. Times in milliseconds. */
export const upstreamStandingSchema = z.object({
  registry: text(260),
  rule: text(260),
  /** Until it is pinged again; absent while it is not known to be out. */
  outForMs: msSchema.optional(),
  /** Since the start of the process. */
  requests: byteCountSchema,
  lastError: z.object({ code: text(64), ageMs: msSchema }).optional(),
  budget: budgetSchema.optional(),
})
export const upstreamStandingsSchema = z.object({ upstreams: list(upstreamStandingSchema, MAX_UPSTREAMS) })
export type UpstreamStandingAnswer = z.output<typeof upstreamStandingSchema>

/** What each origin knows of upstreams. An answer is undefined for one that does not give any. */
export async function originStandings(
  { http, cluster }: Pick<UpstreamTalkComponents, 'http' | 'cluster'>,
  options: AbortOptions,
): Promise<readonly { readonly id: string; readonly upstreams: readonly UpstreamStandingAnswer[] | undefined }[]> {
  return Promise.all(
    cluster.members.map(async ({ id, url }) => {
      const request = { method: 'GET', url: url + upstreamTalkRoutes.standings, ...options } as const
      const told = await sendForJson(http, request, { schema: upstreamStandingsSchema }).catch(() => undefined)
      return { id, upstreams: told?.upstreams }
    }),
  )
}

export interface UpstreamTalkComponents {
  readonly http: HttpClient
  /** The ring of origins: the first living owner of an upstream's name knows what any process has found. */
  readonly cluster: Cluster
  /** The member that this process is itself. */
  readonly self?: string | undefined
}

/** What the cluster knows of upstreams, at the origin that owns the name of each. */
export function upstreamTalk({ http, cluster, self }: UpstreamTalkComponents): UpstreamTalk {
  const isOwn = (registry: RegistryHost) => cluster.candidates(registry)[0]?.id === self
  const at = (registry: RegistryHost, name: RepositoryName) => path`/upstreams/${repositoryText({ registry, name })}`

  return {
    async ask(registry, repository, options): Promise<UpstreamNews | undefined> {
      if (self !== undefined && isOwn(registry)) return undefined
      const ask = ({ url }: { readonly url: string }) =>
        sendForJson(
          http,
          { method: 'GET', url: url + at(registry, repository), ...options },
          { schema: upstreamNewsSchema },
        )
      return tryEach(cluster, registry, ask, options)
    },
    async tell(registry, repository, told, options) {
      if (self !== undefined && isOwn(registry)) return
      const tell = ({ url }: { readonly url: string }) =>
        sendForNothing(http, { method: 'POST', url: url + at(registry, repository), ...jsonBody(told), ...options })
      await tryEach(cluster, registry, tell, options)
    },
  }
}
