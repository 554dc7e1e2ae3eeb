import { z } from 'zod'
import type { AbortOptions } from '../base/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, sendForJson, sendForNothing } from './answer.ts'
import { list, text } from './bounded.ts'
import { query } from './path.ts'
import { markSchema, trackerSettingsSchema } from './tracker-admin.ts'

/** The route by which trackers tell each other what admins have said; docs/endpoints.md has a row for it. */
export const controlRoute = '/control'

/** Most words that one tracker tells another unasked, and the bytes of that. */
const MAX_TOLD = 16
const MAX_TOLD_BYTES = 256 * 1024
/** Most words on a page. */
const MAX_WORDS = 1000
/** Longest wait for the answer of another tracker. */
const ANSWER_MS = 2_000

/** Limits of what a tracker takes and gives. */
export const controlLimits = { maxBodyBytes: MAX_TOLD_BYTES, maxEntries: MAX_WORDS } as const

/** When something was said, and to which tracker: of two, the later one holds. */
const versionSchema = z.object({ atMs: z.number().int().min(0), by: text(128) })
export type ControlVersion = z.output<typeof versionSchema>

/** The last word of admins on one thing. */
const controlEntrySchema = z.object({
  kind: z.enum(['ban', 'drain', 'settings']),
  /** Of a mark; empty for the settings. */
  target: text(45),
  version: versionSchema,
  /** Absent when it was taken back. */
  mark: markSchema.exactOptional(),
  settings: trackerSettingsSchema.exactOptional(),
})
export type ControlEntry = z.output<typeof controlEntrySchema>

/** What a tracker keeps in its file. Whoever reads it keeps what fits: too much in it must not stop the tracker. */
export const keptControlSchema = z.object({ entries: list(controlEntrySchema, Number.MAX_SAFE_INTEGER) })

export const toldControlSchema = z.object({ entries: list(controlEntrySchema, MAX_TOLD) })

const controlPageSchema = z.object({
  /** Of all that the tracker has: who has the same has nothing to ask. */
  hash: text(64),
  entries: list(controlEntrySchema, MAX_WORDS),
  next: text(64).exactOptional(),
})
export type ControlPage = z.output<typeof controlPageSchema>

/** What one tracker asks another, with the secret of services. */
export interface ControlClient {
  /** @throws BODY_INVALID, CONTROL_FULL when it does not take all, and the errors of the HTTP client */
  tell(entries: readonly ControlEntry[], options?: AbortOptions): Promise<void>
  /** A page of all that it has, in the order of their names; none when it has what `hash` stands for. */
  page(
    asked: { readonly hash: string; readonly last?: string | undefined },
    options?: AbortOptions,
  ): Promise<ControlPage>
}

/** `url` is the base URL of the tracker's main listener without a trailing slash. */
export function controlClient(http: HttpClient, url: string): ControlClient {
  const target = url + controlRoute
  const timed = { headersTimeoutMs: ANSWER_MS } as const
  return {
    tell: (entries, { signal } = {}) =>
      sendForNothing(http, { method: 'POST', url: target, ...jsonBody({ entries }), ...timed, signal }),
    page: ({ hash, last }, { signal } = {}) =>
      sendForJson(
        http,
        { method: 'GET', url: target + query({ hash, last }), ...timed, signal },
        { schema: controlPageSchema },
      ),
  }
}
