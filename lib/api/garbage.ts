import { z } from 'zod'
import type { AbortOptions } from '../base/index.ts'
import { type Cluster, tryEach, usedUp } from '../cluster/index.ts'
import type { Digest } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, sendForJson } from './answer.ts'
import { list, text } from './bounded.ts'
import { path, query } from './path.ts'
import { byteCountSchema, digestSchema } from './schemas.ts'

/** Routes by which build-indexes have garbage removed from the backends of the origins. */
export const garbageRoutes = {
  places: '/garbage/places',
  blobs: '/garbage/places/:place/blobs',
  condemned: '/garbage/places/:place/condemned',
  judge: '/garbage/places/:place/judge',
  copies: '/garbage/copies',
  clusters: '/garbage/clusters',
} as const

/** Digests of one page of a list. */
export const MAX_LISTED = 1000
/** Blobs of one request that changes something. */
export const MAX_JUDGED = 32
/** Clusters that an answer names. */
export const MAX_CLUSTERS = 100

const nameSchema = text(64)
const digests = list(digestSchema, MAX_JUDGED)
const nextSchema = text(256).exactOptional()

/** The places where blobs lie: one for each rule of the origins' `backends` that has a backend of its own. */
export const placesSchema = z.object({ places: list(nameSchema, 1000) })
export const storedPageSchema = z.object({ digests: list(digestSchema, MAX_LISTED), next: nextSchema })
const condemnedBlobSchema = z.object({ digest: digestSchema, atMs: z.number() })
export const condemnedPageSchema = z.object({ condemned: list(condemnedBlobSchema, MAX_LISTED), next: nextSchema })
/** A blob of a backend that nobody linked when it was looked for; since when. */
export type CondemnedBlob = z.output<typeof condemnedBlobSchema>

/** `owner` names the index whose links were looked at. */
export const judgeBodySchema = z.discriminatedUnion('action', [
  z.object({ action: z.literal('condemn'), owner: nameSchema, digests }),
  z.object({ action: z.literal('pardon'), owner: nameSchema, digests }),
  z.object({ action: z.literal('remove'), owner: nameSchema, digests, markedAtMs: z.number(), graceMs: z.number() }),
])
export type Judgement = z.output<typeof judgeBodySchema>

const outcomeSchema = z.object({
  /**
   * `condemned`, `pardoned`, `removed`: it is now. `waiting`: its grace is not over. `kept`: somebody has come for it, or
   * nothing was to be done.
   */
  outcome: z.enum(['condemned', 'pardoned', 'removed', 'waiting', 'kept']),
  /** Bytes that a removal freed. */
  size: byteCountSchema.exactOptional(),
})
export type RemovalOutcome = z.output<typeof outcomeSchema>
export const outcomesSchema = z.object({ outcomes: list(outcomeSchema, MAX_JUDGED) })

/** `held`: which of these are pinned or in use by a task here. `drop`: removes the copies here that are not. */
export const copiesBodySchema = z.object({ action: z.enum(['held', 'drop']), digests })
export const copiesAnswerSchema = z.object({ digests })

const markingClusterSchema = z.object({
  /** Of its index; a part of a key. */
  id: nameSchema.regex(/^[A-Za-z0-9-]+$/),
  cluster: text(256),
})
/** A cluster that writes blobs in a backend, by the id of its index and the name that its config gives it. */
export type MarkingCluster = z.output<typeof markingClusterSchema>

/** `enter`: this cluster writes blobs here. `takeOver`: and no other one does any more. */
export const clustersBodySchema = markingClusterSchema.extend({ action: z.enum(['enter', 'takeOver']) })
/** The others that write there, or did. */
export const clustersAnswerSchema = z.object({ clusters: list(markingClusterSchema, MAX_CLUSTERS) })

/** Who writes in the backends of the blobs. Every method: @throws NO_HEALTHY_MEMBER, ABORTED */
export interface ClusterMarks {
  /** Leaves the mark of this cluster in all backends of the blobs; the others that have left one. */
  enter(self: MarkingCluster, options?: AbortOptions): Promise<readonly MarkingCluster[]>
  /** Removes the marks of all others; whose they were. */
  takeOver(self: MarkingCluster, options?: AbortOptions): Promise<readonly MarkingCluster[]>
}

/** The blobs in the backends of a cluster, as its origins keep them. Every method: @throws NO_HEALTHY_MEMBER, ABORTED */
export interface StoredGarbage {
  places(options?: AbortOptions): Promise<readonly string[]>
  /** Blobs after `last`, in the order of their keys. @throws UNSUPPORTED where nothing can be listed or removed */
  blobs(place: string, page: AbortOptions & { readonly last: string }): Promise<z.output<typeof storedPageSchema>>
  condemned(
    place: string,
    page: AbortOptions & { readonly last: string },
  ): Promise<z.output<typeof condemnedPageSchema>>
  /** One outcome for each digest. @throws GARBAGE_FOREIGN when another cluster writes there */
  judge(place: string, judgement: Judgement, options?: AbortOptions): Promise<readonly RemovalOutcome[]>
  /**
   * Which of these are pinned at an origin, or in use there. An origin that does not answer says nothing; with `everywhere`
   * @throws what it failed with
   */
  held(
    digests: readonly Digest[],
    options?: AbortOptions & { readonly everywhere?: boolean },
  ): Promise<readonly Digest[]>
  /** Has all origins that answer remove their copies. */
  drop(digests: readonly Digest[], options?: AbortOptions): Promise<void>
}

export function garbageOrigins({
  http,
  cluster,
}: {
  readonly http: HttpClient
  /** The ring of origins. */
  readonly cluster: Cluster
}): StoredGarbage & ClusterMarks {
  const atOne = <T>(key: string, options: AbortOptions, call: (url: string) => Promise<T>) =>
    tryEach(cluster, key, ({ url }) => call(url), { signal: options.signal })
  const atAll = async (
    action: 'held' | 'drop',
    wanted: readonly Digest[],
    { signal, everywhere = false }: AbortOptions & { readonly everywhere?: boolean },
  ) => {
    const ask = (url: string) => {
      const request = { method: 'POST', url: `${url}${garbageRoutes.copies}`, ...jsonBody({ action, digests: wanted }) }
      return sendForJson(http, { ...request, method: 'POST', signal }, { schema: copiesAnswerSchema })
    }
    if (cluster.members.length === 0) throw usedUp([])
    const answers = await Promise.allSettled(cluster.members.map(({ url }) => ask(url)))
    signal?.throwIfAborted()
    const failed = answers.find((answer) => answer.status === 'rejected')
    if (everywhere && failed !== undefined) throw failed.reason
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.digests : []))
  }
  const mark = (action: 'enter' | 'takeOver', self: MarkingCluster, { signal }: AbortOptions) =>
    atOne('', { signal }, async (url) => {
      const request = { method: 'POST', url: url + garbageRoutes.clusters, ...jsonBody({ ...self, action }) } as const
      return (await sendForJson(http, { ...request, signal }, { schema: clustersAnswerSchema })).clusters
    })
  return {
    enter: (self, options = {}) => mark('enter', self, options),
    takeOver: (self, options = {}) => mark('takeOver', self, options),
    async places(options = {}) {
      const at = (url: string) =>
        sendForJson(http, { method: 'GET', url: url + garbageRoutes.places, ...options }, { schema: placesSchema })
      return (await atOne('', options, at)).places
    },
    blobs: (place, { last, signal }) =>
      atOne(place, { signal }, (url) => {
        const target = url + path`/garbage/places/${place}/blobs` + query({ last })
        return sendForJson(http, { method: 'GET', url: target, signal }, { schema: storedPageSchema })
      }),
    condemned: (place, { last, signal }) =>
      atOne(place, { signal }, (url) => {
        const target = url + path`/garbage/places/${place}/condemned` + query({ last })
        return sendForJson(http, { method: 'GET', url: target, signal }, { schema: condemnedPageSchema })
      }),
    judge: (place, judgement, options = {}) =>
      atOne(place, options, async (url) => {
        const target = url + path`/garbage/places/${place}/judge`
        const request = { method: 'POST', url: target, ...jsonBody(judgement), ...options } as const
        return (await sendForJson(http, request, { schema: outcomesSchema })).outcomes
      }),
    held: (wanted, options = {}) => atAll('held', wanted, options),
    async drop(wanted, options = {}) {
      await atAll('drop', wanted, options)
    },
  }
}
