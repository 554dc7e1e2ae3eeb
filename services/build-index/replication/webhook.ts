import { type AbortOptions, abortController, appError, type Clock, WAITS_OF_LIFE } from '../../../lib/base/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import type { VersionedTags } from '../tag-records.ts'
import type { WebhookConfig } from './config.ts'
import type { Ended } from './ended.ts'
import type { FollowerFacts } from './follower-facts.ts'
import { matcher, type TagRule } from './rules.ts'
import { messageOf, type WebhookEvent, type WebhookMessage } from './webhook-event.ts'
import { signatureHeaders } from './webhook-signature.ts'

const CONNECT_MS = 5_000

/** Somebody who is told of tags over HTTP. */
export interface Webhook extends FollowerFacts {
  readonly kind: 'webhook'
  /** Of its address; the rest may be secret. */
  readonly origin: string
  readonly events: readonly WebhookEvent[]
  readonly rules: readonly TagRule[]
  /** @throws WEBHOOK_FAILED when the answer is none of success, and what a request throws */
  post(message: WebhookMessage, options?: AbortOptions): Promise<void>
}

export function webhook({ clock }: { readonly clock: Clock }, name: string, config: WebhookConfig): Webhook {
  const http = httpClient({ clock }, { connectTimeoutMs: CONNECT_MS, caFile: config.caFile })
  const matchers = config.rules.map(matcher)
  return {
    kind: 'webhook',
    name,
    // The config alone names webhooks.
    over: abortController(WAITS_OF_LIFE).signal,
    ...{ origin: new URL(config.url).origin, events: config.events, rules: config.rules, secret: undefined },
    start: () => http.start(),
    stop: () => http.stop(),
    mayWant: (repository, tag) => matchers.some((rule) => rule.fits(repository, tag)),
    openForMs: () => Number.POSITIVE_INFINITY,
    opensInMs: () => 0,
    // What was given up waits for somebody: a webhook says nothing but what it says to a message.
    answers: async () => false,
    async post({ id, body }, { signal } = {}) {
      const signed = signatureHeaders({ id, atMs: clock.now(), body }, config.secret?.() ?? [])
      const shown = config.token === undefined ? {} : { authorization: `Bearer ${config.token()}` }
      const headers = { 'content-type': 'application/json', ...signed, ...shown }
      const request = { method: 'POST', url: config.url, headers, body: Buffer.from(body), signal } as const
      const answer = await http.request({ ...request, headersTimeoutMs: config.timeout })
      answer.body.destroy()
      if (answer.status < 200 || answer.status > 299)
        throw appError('WEBHOOK_FAILED', { message: `the webhook answered ${answer.status}` })
    },
  }
}

export interface TellComponents {
  readonly tags: Pick<VersionedTags, 'read'>
  /** Name of this cluster. */
  readonly cluster: string
}

/** Tells what the tag is now. @throws as `post`, BACKEND_UNAVAILABLE */
export async function tellWebhook(
  { tags, cluster }: TellComponents,
  hook: Webhook,
  { repository, tag }: { readonly repository: Repository; readonly tag: Tag },
  options: AbortOptions,
): Promise<Ended> {
  const record = await tags.read(repository, tag, options)
  if (record === undefined) return { outcome: 'gone' }
  const message = messageOf({ cluster, repository, tag, record })
  if (!hook.events.includes(message.event)) return { outcome: 'unwanted' }
  await hook.post(message, options)
  const { version, target } = record
  return { outcome: 'taken', version, ...(target && { digest: target.digest }) }
}
