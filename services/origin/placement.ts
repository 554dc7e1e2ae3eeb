import type { Readable } from 'node:stream'
import type { Backends } from '../../lib/backend/index.ts'
import { type AbortOptions, appError, hasCode, isAbort } from '../../lib/base/index.ts'
import type { Cluster, Member } from '../../lib/cluster/index.ts'
import type { BlobRef } from '../../lib/swarm/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'
import { blobKey } from './blob-keys.ts'
import type { Refusals } from './refusals.ts'
import type { Siblings } from './siblings.ts'

export interface PlacementComponents {
  readonly cluster: Cluster
  readonly backends: Pick<Backends, 'backendFor'>
  readonly siblings: Siblings
  readonly refusals: Refusals
  readonly logger: Logger
  readonly onSent: (to: 'replica' | 'store', bytes: number) => void
}

/** A verified content that can be read as often as needed. */
export interface PlacedContent {
  readonly blob: BlobRef
  readonly size: number
  read(): Promise<Readable>
}

/**
 * Puts a new blob where it belongs: on every live owner but this member, and into the backend. An owner that fails
 * meanwhile is replaced by whoever owns the blob then.
 */
export interface Placement {
  /**
   * Resolves when all live owners have the blob durably and the backend has it too. `held` says that this member is an
   * owner and has its copy already.
   * @throws NO_HEALTHY_MEMBER when no owner could take it, or what the backend's write threw
   */
  place(content: PlacedContent, options: AbortOptions & { readonly held: boolean }): Promise<void>
}

export function placement(components: PlacementComponents, init: { readonly memberId: string }): Placement {
  const { cluster, backends, siblings, refusals, logger } = components

  const writeBackend = async (content: PlacedContent, options: AbortOptions) => {
    const key = blobKey(content.blob.digest)
    const backend = backends.backendFor(content.blob.namespace)
    const found = await backend.stat(key, options)
    const damaged = found !== undefined && (found.size !== content.size || refusals.has(content.blob.digest))
    if (found !== undefined && !damaged) return
    const condition = found === undefined ? { ifAbsent: true } : { ifMatch: found.etag }
    try {
      await backend.write(key, await content.read(), { ...options, ...condition, size: content.size })
      components.onSent('store', content.size)
      refusals.clear(content.blob.digest)
    } catch (err) {
      if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
      // Somebody else has written it meanwhile; what counts is that it is whole.
      if ((await backend.stat(key, options))?.size !== content.size) throw err
    }
  }

  const copyTo = async (member: Member, content: PlacedContent, options: AbortOptions): Promise<boolean> => {
    const body = await content.read()
    try {
      await siblings.put(member, content.blob, { size: content.size, body }, options)
      cluster.report(member.id, 'ok')
      components.onSent('replica', content.size)
      return true
    } catch (err) {
      if (isAbort(err)) throw err
      cluster.report(member.id, 'failed')
      logger.warn('failed to hand a copy to an owner', { member: member.id, digest: content.blob.digest, err })
      return false
    } finally {
      body.destroy()
    }
  }

  const copyToOwners = async (content: PlacedContent, held: boolean, options: AbortOptions) => {
    const tried = new Set([init.memberId])
    let copies = held ? 1 : 0
    for (;;) {
      const todo = cluster.liveOwners(content.blob.digest).filter((member) => !tried.has(member.id))
      if (todo.length === 0) break
      for (const member of todo) tried.add(member.id)
      const done = await Promise.all(todo.map((member) => copyTo(member, content, options)))
      copies += done.filter(Boolean).length
    }
    if (copies === 0) throw appError('NO_HEALTHY_MEMBER', { detail: { digest: content.blob.digest } })
  }

  return {
    async place(content, { held, ...options }) {
      await Promise.all([copyToOwners(content, held, options), writeBackend(content, options)])
    },
  }
}
