import { z } from 'zod'
import { list, parseBody, text } from '../api/index.ts'
import { isAppError } from '../base/index.ts'
import { type BlobRef, parseDigest, parseRepository, parseTag, type Tag } from '../core/index.ts'
import { keysInLowerCase } from './any-case.ts'

/** Events of one notification; registries send a few at a time. */
const MAX_EVENTS = 1000

/** The media type by which registries send notifications; Harbor sends `application/json`. */
export const NOTIFICATION_TYPE = 'application/vnd.docker.distribution.events.v1+json'

/**
 * What a registry tells of its events, with the keys in lower case. Fields that nobody needs are not looked at, and any
 * field may be missing: an event of another kind has others.
 */
const notificationSchema = z.object({
  events: list(
    z.object({
      action: text(64).nullish(),
      target: z
        .object({
          mediatype: text(255).nullish(),
          digest: text(256).nullish(),
          repository: text(515).nullish(),
          tag: text(128).nullish(),
          url: text(2048).nullish(),
        })
        .nullish(),
    }),
    MAX_EVENTS,
  ).nullish(),
})

/** Pushes of blobs are told as well, under the media type of the blob. */
const manifestType =
  /^application\/vnd\.(?:docker\.distribution\.manifest\.(?:list\.)?v\d|oci\.image\.(?:manifest|index)\.v\d)\+(?:json|prettyjws)$/i

/** A manifest that was pushed, with its tag and its URL if they were told. */
export interface PushedManifest extends BlobRef {
  readonly tag?: Tag
  readonly url?: string
}

export interface PushedImages {
  /** The manifests that were pushed; what the media type says of them need not be true. */
  readonly manifests: readonly PushedManifest[]
  /** Pushes of manifests without a good repository and digest. */
  readonly malformed: number
}

/** The manifests that a notification reports as pushed. @throws BODY_INVALID when it is no notification at all */
export function pushedImages(body: unknown): PushedImages {
  const { events } = parseBody(notificationSchema, keysInLowerCase(body))
  const manifests: PushedManifest[] = []
  let malformed = 0
  for (const { action, target } of events ?? []) {
    if (action?.toLowerCase() !== 'push' || !manifestType.test(target?.mediatype ?? '')) continue
    const blob = refOf(target?.repository ?? '', target?.digest ?? '')
    if (blob === undefined) malformed += 1
    else manifests.push({ ...blob, ...toldOf(target) })
  }
  return { manifests, malformed }
}

function refOf(repository: string, digest: string): BlobRef | undefined {
  try {
    return { repository: parseRepository(repository), digest: parseDigest(digest) }
  } catch (err) {
    if (isAppError(err)) return undefined
    throw err
  }
}

interface ToldNames {
  readonly tag?: string | null | undefined
  readonly url?: string | null | undefined
}

/** What else was told of a manifest. A tag that is none says nothing. */
function toldOf(target: ToldNames | null | undefined): { readonly tag?: Tag; readonly url?: string } {
  const named = target?.url ? { url: target.url } : {}
  if (!target?.tag) return named
  try {
    return { ...named, tag: parseTag(target.tag) }
  } catch (err) {
    if (isAppError(err)) return named
    throw err
  }
}
