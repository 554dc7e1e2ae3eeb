import { createHash } from 'node:crypto'
import { type Repository, repositoryText, type Tag } from '../../../lib/core/index.ts'
import type { TagRecord } from '../tag-version.ts'

/** `push`: a tag was set here. `delete`: it was deleted, here or elsewhere. `replicated`: another cluster set it. */
export const webhookEvents = ['push', 'delete', 'replicated'] as const
export type WebhookEvent = (typeof webhookEvents)[number]

/** A tag as it is now. */
export interface ToldTag {
  /** Name of this cluster. */
  readonly cluster: string
  readonly repository: Repository
  readonly tag: Tag
  readonly record: TagRecord
}

/** What is posted. */
export interface WebhookMessage {
  /** The same for the same version of the same tag, however often it is told. */
  readonly id: string
  readonly event: WebhookEvent
  /** JSON: `{type, timestamp, data: {cluster, from?, repository, tag, digest?, mediaType?, size?}}`; `lib/api` reads it. */
  readonly body: string
}

export function messageOf({ cluster, repository, tag, record: { target, version } }: ToldTag): WebhookMessage {
  const isForeign = version.cluster !== '' && version.cluster !== cluster
  const set = isForeign ? 'replicated' : 'push'
  const event = target === undefined ? 'delete' : set
  const data = {
    cluster,
    ...(isForeign && { from: version.cluster }),
    ...{ repository: repositoryText(repository), tag, ...target },
  }
  const body = JSON.stringify({ type: event, timestamp: new Date(version.atMs).toISOString(), data })
  const id = createHash('sha256')
    .update(JSON.stringify([version, data]))
    .digest('hex')
    .slice(0, 32)
  return { id, event, body }
}
