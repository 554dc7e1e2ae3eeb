import { type AbortOptions, appError, hasCode } from '../../base/index.ts'
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  MANIFEST_LIMIT,
  parseDigest,
  type Tag,
} from '../../core/index.ts'
import type { Governor } from '../governor.ts'
import { sizeOf } from '../web/object-answer.ts'
import type { RangedWeb } from '../web/ranged-web.ts'
import { refusalOf, type WebAnswer } from '../web/web-client.ts'
import { type RegistrySession, scopes } from './registry-session.ts'

/** Every media type in use, so that no registry hides or converts a manifest; the last entry accepts future types. */
const ACCEPT = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.artifact.manifest.v1+json',
  '*/*',
].join(', ')

const DEFAULT_TYPE = 'application/vnd.oci.image.manifest.v1+json'

export interface ManifestContent extends Descriptor {
  /** The bytes as they were pushed. */
  readonly bytes: Uint8Array
}

/** Manifests and tags of one repository. Every method: @throws BACKEND_UNAVAILABLE, BACKEND_DENIED, BACKEND_THROTTLED, ABORTED. */
export interface RegistryManifests {
  /** What a tag or digest points to; undefined when there is none. @throws BACKEND_CORRUPT for another digest than that */
  describe(reference: Tag | Digest, options?: AbortOptions): Promise<Descriptor | undefined>
  /** The bytes of a manifest. @throws BACKEND_CORRUPT when they do not match the digest */
  fetch(digest: Digest, options?: AbortOptions): Promise<ManifestContent | undefined>
  /**
   * @throws BACKEND_READ_ONLY, MANIFEST_BLOB_UNKNOWN when the registry lacks a blob of the manifest, MANIFEST_INVALID
   */
  put(reference: Tag | Digest, content: ManifestContent, options?: AbortOptions): Promise<void>
  /** False when there was nothing. @throws UNSUPPORTED when the registry deletes nothing, or no tags */
  remove(reference: Tag | Digest, options?: AbortOptions): Promise<boolean>
}

export interface RegistryPartComponents {
  readonly session: RegistrySession
  readonly governor: Governor
  readonly clock: { now(): number }
  /** What is known of reads of blobs in ranges; undefined: nothing is kept, for who asks in the name of others. */
  readonly ranged?: RangedBlobs | undefined
}

/** Where this registry's blobs are remembered. */
export interface RangedBlobs {
  readonly web: RangedWeb
  readonly host: string
}

export function registryManifests(components: RegistryPartComponents, repository: string): RegistryManifests {
  const { session, governor, clock } = components
  const pull = scopes.pull(repository)
  const at = (reference: string) => `${repository}/manifests/${reference}`
  const deletes = scopes.delete(repository)

  const get = (reference: string, options: AbortOptions) =>
    governor.request(
      'read',
      async (signal) => {
        const request = { method: 'GET', at: at(reference), headers: { accept: ACCEPT }, scope: pull, signal } as const
        const answer = await session.find(request)
        return answer && contentOf(answer, await answer.bytes(MANIFEST_LIMIT).catch(unreadable), reference)
      },
      options,
    )

  const fetch = async (reference: Tag | Digest, options: AbortOptions) => {
    const content = await get(reference, options)
    if (content === undefined || isMeant(content, reference)) return content
    throw appError('BACKEND_CORRUPT', { detail: { digest: reference } })
  }

  return {
    async describe(reference, options = {}) {
      const head = (signal: AbortSignal) =>
        session.find({ method: 'HEAD', at: at(reference), headers: { accept: ACCEPT }, scope: pull, signal })
      const answer = await governor.request('stat', head, options)
      if (answer === undefined) return undefined
      await answer.discard()
      const found = descriptorIn(answer)
      // When the headers of a HEAD are incomplete, or name another digest, we fetch the bytes instead, which are sufficient.
      return found && isMeant(found, reference) ? found : withoutBytes(await fetch(reference, options))
    },
    fetch: (digest, options = {}) => fetch(digest, options),
    async put(reference, { bytes, mediaType }, options = {}) {
      const put = (signal: AbortSignal) =>
        session.send({
          method: 'PUT',
          at: at(reference),
          headers: { 'content-type': mediaType },
          body: () => bytes,
          scope: scopes.push(repository),
          signal,
        })
      await governor.request(
        'write',
        async (signal) => {
          await governor.sending(bytes.length, { signal })
          const answer = await put(signal)
          if (answer.status < 200 || answer.status > 299) throw await refusalOf(answer, clock)
          await answer.discard()
        },
        options,
      )
    },
    remove: (reference, options = {}) =>
      governor.request(
        'delete',
        (signal) => removed(components, { scope: deletes, at: at(reference), byTag: isTag(reference), signal }),
        options,
      ),
  }
}

const isTag = (reference: string) => !reference.includes(':')

const isMeant = ({ digest }: Descriptor, reference: Tag | Digest) => isTag(reference) || digest === reference

interface Removal extends AbortOptions {
  readonly at: string
  readonly scope: string
  /** Registries that cannot delete a single tag report this in many ways; distribution 2 reports a malformed digest. */
  readonly byTag?: boolean
}

/** Deletes the object at a path; false when there is none. @throws UNSUPPORTED */
export async function removed(
  { session, clock }: RegistryPartComponents,
  { byTag = false, ...target }: Removal,
): Promise<boolean> {
  const answer = await session.send({ method: 'DELETE', ...target })
  if (answer.status === 404 || (answer.status >= 200 && answer.status < 300)) {
    await answer.discard()
    return answer.status !== 404
  }
  const refusal = await refusalOf(answer, clock)
  const noTags = byTag && hasCode(refusal, 'DIGEST_INVALID', 'TAG_INVALID', 'BACKEND_REFUSED')
  if (!noTags && !hasCode(refusal, 'BACKEND_READ_ONLY', 'UNSUPPORTED')) throw refusal
  throw appError('UNSUPPORTED', { message: 'the backend registry does not allow this deletion; see its settings' })
}

/** The descriptor in the headers of an answer; undefined when a part is missing. */
function descriptorIn(answer: WebAnswer): Descriptor | undefined {
  const { 'docker-content-digest': digest, 'content-type': type } = answer.headers
  const size = sizeOf(answer)
  if (digest === undefined || type === undefined || size === undefined) return undefined
  try {
    return { digest: parseDigest(digest), mediaType: plainType(type), size }
  } catch (err) {
    if (hasCode(err, 'DIGEST_INVALID')) return undefined
    throw err
  }
}

/** Hashed with the algorithm of the reference, or else the usual one. */
function contentOf({ headers }: WebAnswer, bytes: Uint8Array, reference: string): ManifestContent {
  const algorithm = reference.includes(':') ? digestAlgorithm(parseDigest(reference)) : 'sha256'
  const mediaType = plainType(headers['content-type'] ?? DEFAULT_TYPE)
  return { digest: digestOf(bytes, algorithm), mediaType, size: bytes.length, bytes }
}

function withoutBytes(content: ManifestContent | undefined): Descriptor | undefined {
  return content && { digest: content.digest, mediaType: content.mediaType, size: content.size }
}

const plainType = (contentType: string) => (contentType.split(';')[0] ?? '').trim()

function unreadable(err: unknown): never {
  throw hasCode(err, 'ABORTED')
    ? err
    : appError('BACKEND_UNAVAILABLE', {
        message: 'the registry sent only a part of the manifest, or the manifest is too large',
        cause: err,
      })
}
