import { z } from 'zod'
import type { AbortOptions } from '../base/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, sendForJson, sendForNothing } from './answer.ts'
import { text } from './bounded.ts'
import { query } from './path.ts'
import { peerIdSchema } from './schemas.ts'
import { steeringDocumentSchema } from './steering.ts'
import {
  type SteeringVersion,
  type SteeringWord,
  steeringReportSchema,
  steeringVersionSchema,
  steeringWordSchema,
} from './steering-words.ts'

/** Routes of a tracker's main listener for settings; docs/endpoints.md has a row for each. */
export const steeringRoutes = {
  /** Between trackers. */
  exchange: '/steering',
  /** For services that ask for no orders. Each kind has its own: a tracker that does not know it takes none for another. */
  words: { origin: '/steering/word', 'build-index': '/steering/word/build-index' },
} as const

/** Services that ask for their settings there. */
export type AskingKind = keyof typeof steeringRoutes.words
export const askingKinds = Object.keys(steeringRoutes.words) as AskingKind[]

/** Longest wait for the answer of another tracker. */
const ANSWER_MS = 2_000

/** Most bytes of what one tracker tells another, and of what a service asks. */
export const steeringBodies = { maxHeldBytes: 256 * 1024, maxAskedBytes: 8 * 1024 } as const

/** What a tracker holds, as it keeps it and tells the others. */
export const heldSteeringSchema = z.object({
  version: steeringVersionSchema,
  /** Absent when the settings were let go of. */
  document: steeringDocumentSchema.exactOptional(),
})
export type HeldSteering = z.output<typeof heldSteeringSchema>

const pageSchema = z.object({ held: heldSteeringSchema.exactOptional() })

/** What one tracker asks another, with the secret of services. */
export interface SteeringExchangeClient {
  /** @throws BODY_INVALID, NOT_FOUND when it is of a version that is not steered, and the errors of the HTTP client */
  tell(held: HeldSteering, options?: AbortOptions): Promise<void>
  /** What it holds; undefined when it is this, or nothing. @throws as `tell` does */
  held(version: SteeringVersion, options?: AbortOptions): Promise<HeldSteering | undefined>
}

const versionText = ({ term, generation, atMs, by }: SteeringVersion) => `${term}.${generation}.${atMs}.${by}`

/** Whether a query says that its caller has this version. */
export const hasVersion = (asked: URLSearchParams, version: SteeringVersion): boolean =>
  asked.get('version') === versionText(version)

/** `url` is the base URL of the tracker's main listener without a trailing slash. */
export function steeringExchangeClient(http: HttpClient, url: string): SteeringExchangeClient {
  const target = url + steeringRoutes.exchange
  const timed = { headersTimeoutMs: ANSWER_MS } as const
  return {
    tell: (held, { signal } = {}) =>
      sendForNothing(http, { method: 'POST', url: target, ...jsonBody(held), ...timed, signal }),
    async held(version, { signal } = {}) {
      const asked = query({ version: versionText(version) })
      const request = { method: 'GET', url: target + asked, ...timed, signal } as const
      return (await sendForJson(http, request, { schema: pageSchema })).held
    },
  }
}

/** A service that asks what holds for it. Its address is that of the socket. */
export const steeringAskedSchema = z.object({
  /** The member that it is. */
  member: text(128).min(1),
  /** As in the announces of an origin; absent from those of an earlier version. */
  peerId: peerIdSchema.exactOptional(),
  zone: text(255).exactOptional(),
  /** Its label `host`. */
  label: text(255).exactOptional(),
  shoal: text(64),
  report: steeringReportSchema,
})
export type SteeringAsked = z.output<typeof steeringAskedSchema>

export const steeringToldSchema = z.object({ word: steeringWordSchema.exactOptional() })

/** Asks one tracker what holds for this service. */
export interface SteeringWordClient {
  /** @throws NOT_FOUND when the tracker is of a version that does not steer this kind, and the errors of the HTTP client */
  ask(asked: SteeringAsked, options?: AbortOptions): Promise<SteeringWord | undefined>
}

/** `url` is the tracker's base URL without a trailing slash. */
export function steeringWordClient(http: HttpClient, url: string, kind: AskingKind): SteeringWordClient {
  return {
    async ask(asked, { signal } = {}) {
      const target = { method: 'POST', url: url + steeringRoutes.words[kind] } as const
      const request = { ...target, headersTimeoutMs: ANSWER_MS, signal, ...jsonBody(asked) }
      return (await sendForJson(http, request, { schema: steeringToldSchema })).word
    },
  }
}
