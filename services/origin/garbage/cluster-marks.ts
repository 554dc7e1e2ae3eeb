import { buffer } from 'node:stream/consumers'
import type { MarkingCluster } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, hasCode } from '../../../lib/base/index.ts'
import { noRecords } from './condemned.ts'

/**
 * Keys in the backend of the blobs; no other code builds them.
 *
 *     garbage/
 *       clusters/<id>         a cluster writes blobs here, and its index has this id; the content is the cluster's name
 */
const PREFIX = 'garbage/clusters/'
/** Of the marks of a backend so many are looked at; the second one already forbids every removal. */
const MAX_MARKS = 100
/** Most bytes of a name. */
const MAX_NAME_BYTES = 256

/**
 * Marks of the clusters that write blobs in one backend. Whoever writes there leaves its mark, whether or not it removes
 * anything; where there are two marks, nobody removes anything, as each index knows only its own links. Every function:
 * @throws what the backend throws, ABORTED
 */

/** Leaves the mark of a cluster. The result is the others that have one. */
export async function markCluster(
  backend: Backend,
  { id, cluster }: MarkingCluster,
  { signal }: AbortOptions,
): Promise<readonly MarkingCluster[]> {
  const bytes = Buffer.from(cluster)
  const found = await idsIn(backend, { signal })
  if (found === undefined) return []
  if (!found.includes(id)) await backend.write(PREFIX + id, bytes, { size: bytes.length, signal })
  // Looked at after the own mark stands: of two that come at once, one sees the other at least.
  return othersIn(backend, id, { signal })
}

/** Before each change of what garbage is. @throws GARBAGE_FOREIGN unless this cluster's mark is there, and no other */
export async function requireAlone(backend: Backend, id: string, { signal }: AbortOptions): Promise<void> {
  const found = (await idsIn(backend, { signal })) ?? []
  if (found.length === 1 && found[0] === id) return
  throw appError('GARBAGE_FOREIGN', { detail: { clusters: await othersIn(backend, id, { signal }) } })
}

/** Removes the marks of all others, and leaves its own. The result is whose were removed. */
export async function takeOver(
  backend: Backend,
  self: MarkingCluster,
  { signal }: AbortOptions,
): Promise<readonly MarkingCluster[]> {
  const others = await markCluster(backend, self, { signal })
  for (const { id } of others) await backend.delete(PREFIX + id, { signal })
  return others
}

/** Undefined where nothing but contents is kept, and so nothing is removed. */
async function idsIn(backend: Backend, { signal }: AbortOptions): Promise<readonly string[] | undefined> {
  try {
    const { keys } = await backend.list(PREFIX, { limit: MAX_MARKS, signal })
    return keys.map((key) => key.slice(PREFIX.length))
  } catch (err) {
    if (hasCode(err, ...noRecords)) return undefined
    throw err
  }
}

async function othersIn(backend: Backend, own: string, options: AbortOptions): Promise<readonly MarkingCluster[]> {
  const ids = (await idsIn(backend, options)) ?? []
  const others = ids.filter((id) => id !== own)
  return Promise.all(others.map(async (id) => ({ id, cluster: await nameOf(backend, id, options) })))
}

async function nameOf(backend: Backend, id: string, { signal }: AbortOptions): Promise<string> {
  const found = await backend.read(PREFIX + id, { signal })
  if (found === undefined) return ''
  return (await buffer(found.body)).subarray(0, MAX_NAME_BYTES).toString()
}
