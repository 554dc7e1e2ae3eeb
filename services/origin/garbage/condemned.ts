import { buffer } from 'node:stream/consumers'
import type { CondemnedBlob, RemovalOutcome } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import {
  type AbortOptions,
  appError,
  backoffMs,
  type Clock,
  deadline,
  hasCode,
  inTurns,
  type Random,
} from '../../../lib/base/index.ts'
import { type Digest, parseDigest } from '../../../lib/core/index.ts'
import { blobKey } from '../blob-keys.ts'
import { type NoSentences, noSentences } from './no-sentences.ts'

/**
 * Keys in the backend of the blobs; no other code builds them.
 *
 *     garbage/
 *       condemned/<digest>    nobody links the blob; it goes after a while, unless somebody comes for it
 */
const PREFIX = 'garbage/condemned/'
const keyOf = (digest: Digest) => PREFIX + digest

/** A removal that was not sent within this time is not sent any more. */
const REMOVE_MS = 20_000
/** A removal that has not ended after this time has no process any more; its last request has been answered or is lost. */
const ABANDONED_MS = 120_000
/** So long after a blob was spared it may be said to be there; the rest of the grace is for the link and the clocks. */
const SPARED_MS = 300_000
/** Waits of who needs a blob that is being removed. */
const WAITS = { baseMs: 20, maxMs: 1_000, attempts: Number.POSITIVE_INFINITY }
/** Records that are read at the same time. */
const READS = 8

/** Backends that hold only contents have no such records, and nothing is removed there. */
export const noRecords = ['BACKEND_KEY_INVALID', 'UNSUPPORTED', 'BACKEND_READ_ONLY'] as const

interface Sentence {
  readonly state: 'condemned' | 'removing'
  readonly atMs: number
}

interface FoundSentence extends Sentence {
  readonly etag: string
}

export interface CondemnedComponents {
  readonly clock: Clock
  readonly random: Random
  /** How long a look for sentences counts, in milliseconds: a small part of the grace. Default: of the shortest grace. */
  readonly sentenceLookMs?: number | undefined
}

/** A blob that nobody removes for the grace from the call on. */
export interface Spared {
  /** Whether that was at most `SPARED_MS` ago. Whoever has worked longer spares it again before it may be linked. */
  isFresh(): boolean
}

export interface RemoveInit extends AbortOptions {
  /** When the look for links began that found none. */
  readonly markedAtMs: number
  /** How long a blob is condemned before it is removed. */
  readonly graceMs: number
}

/**
 * Blobs of a backend that nobody links, each with a record. Nothing is removed that was not condemned for the whole
 * grace, and the record is what all agree on: who relies on a blob takes the record away, who removes the blob first
 * changes it, both under its etag, so that one of the two succeeds. Who comes during the removal waits, and brings the
 * bytes again. Every method: @throws what the backend throws, ABORTED
 */
export interface Condemned {
  /**
   * Called by who relies on the blob, before the look for it: what is there after this, or is written then, stays for the
   * grace at least, in which it has to be linked. What was seen before may be gone.
   */
  spare(backend: Backend, digest: Digest, options: AbortOptions): Promise<Spared>
  /** Returns false when it was condemned before. */
  condemn(backend: Backend, digest: Digest, options: AbortOptions): Promise<boolean>
  /** Takes the record away, because the blob is linked; a removal that is under way is left alone. */
  pardon(backend: Backend, digest: Digest, options: AbortOptions): Promise<boolean>
  remove(backend: Backend, digest: Digest, init: RemoveInit): Promise<RemovalOutcome>
  /** Those after `last`. */
  list(
    backend: Backend,
    page: AbortOptions & { readonly last: string; readonly limit: number },
  ): Promise<{ readonly condemned: readonly CondemnedBlob[]; readonly next: string | undefined }>
}

export function condemnedBlobs({ clock, random, sentenceLookMs }: CondemnedComponents): Condemned {
  const none = noSentences({ clock }, { prefix: PREFIX, lookMs: sentenceLookMs })
  const bytesOf = (state: Sentence['state']) => {
    const nonce = Buffer.from(random.bytes(12)).toString('hex')
    return Buffer.from(JSON.stringify({ state, atMs: clock.now(), nonce }))
  }

  const remove: Condemned['remove'] = async (backend, digest, { markedAtMs, graceMs, signal }) => {
    const found = await readSentence(backend, digest, { signal })
    if (found === undefined) return { outcome: 'kept' }
    // A removal that was left is taken over as late as a sentence is carried out: whose clock is right nobody knows.
    const restMs = found.state === 'condemned' ? graceMs : Math.max(graceMs, ABANDONED_MS)
    if (found.atMs + restMs > markedAtMs) return { outcome: 'waiting' }
    const sentMs = clock.monotonicMs()
    const limit = deadline(clock, REMOVE_MS, signal)
    try {
      const etag = await changed(backend, digest, bytesOf('removing'), { ifMatch: found.etag, signal: limit.signal })
      if (etag === undefined) return { outcome: 'kept' }
      const object = await backend.stat(blobKey(digest), { signal: limit.signal })
      // A process that stood still must not remove what others have written again since then.
      if (clock.monotonicMs() - sentMs >= REMOVE_MS) throw appError('BACKEND_UNAVAILABLE', { message: 'too slow' })
      const gone =
        object === undefined ||
        (await deleted(backend, blobKey(digest), { ifMatch: object.etag, signal: limit.signal }))
      await deleted(backend, keyOf(digest), { ifMatch: etag, signal: limit.signal })
      return gone ? { outcome: 'removed', size: object?.size ?? 0 } : { outcome: 'kept' }
    } finally {
      limit.release()
    }
  }

  return {
    spare: sparing({ clock, random, none }),
    async condemn(backend, digest, { signal }) {
      none.forget(backend)
      return (await changed(backend, digest, bytesOf('condemned'), { ifAbsent: true, signal })) !== undefined
    },
    async pardon(backend, digest, options) {
      const found = await readSentence(backend, digest, options)
      return (
        found?.state === 'condemned' && (await deleted(backend, keyOf(digest), { ...options, ifMatch: found.etag }))
      )
    },
    remove,
    async list(backend, { last, limit, signal }) {
      const page = await backend.list(PREFIX, { after: PREFIX + last, limit, signal })
      const names = page.keys.map((key) => key.slice(PREFIX.length))
      const read = async (name: string): Promise<CondemnedBlob | undefined> => {
        const digest = parseDigest(name)
        const found = await readSentence(backend, digest, { signal })
        return found && { digest, atMs: found.atMs }
      }
      const condemned = await inTurns(names, READS, read)
      return {
        condemned: condemned.filter((each) => each !== undefined),
        next: page.next?.slice(PREFIX.length),
      }
    },
  }
}

/** Undefined when another one has changed the record. */
async function changed(
  backend: Backend,
  digest: Digest,
  bytes: Uint8Array,
  options: AbortOptions & ({ readonly ifAbsent: true } | { readonly ifMatch: string }),
): Promise<string | undefined> {
  try {
    return (await backend.write(keyOf(digest), bytes, { ...options, size: bytes.length })).etag
  } catch (err) {
    if (hasCode(err, 'BACKEND_PRECONDITION_FAILED')) return undefined
    throw err
  }
}

/** False when another one has changed the object. */
async function deleted(
  backend: Backend,
  key: string,
  options: AbortOptions & { readonly ifMatch: string },
): Promise<boolean> {
  try {
    await backend.delete(key, options)
    return true
  } catch (err) {
    if (hasCode(err, 'BACKEND_PRECONDITION_FAILED')) return false
    throw err
  }
}

/** A record that cannot be read counts as condemned just now, so that it may be lifted, and nothing is removed by it. */
async function readSentence(
  backend: Backend,
  digest: Digest,
  { signal }: AbortOptions,
): Promise<FoundSentence | undefined> {
  const found = await backend.read(keyOf(digest), { signal }).catch((err: unknown) => {
    if (hasCode(err, ...noRecords)) return undefined
    throw err
  })
  if (found === undefined) return undefined
  const bytes = await buffer(found.body)
  return { ...parsed(bytes), etag: found.etag }
}

function parsed(bytes: Buffer): Sentence {
  try {
    const { state, atMs } = JSON.parse(bytes.toString()) as Partial<Sentence>
    if ((state === 'condemned' || state === 'removing') && Number.isFinite(atMs)) return { state, atMs: Number(atMs) }
  } catch {
    // As any other one that was not written here.
  }
  return { state: 'condemned', atMs: Number.MAX_SAFE_INTEGER }
}

/** Takes sentences away, and waits for removals that are under way. */
function sparing({ clock, random, none }: CondemnedComponents & { readonly none: NoSentences }): Condemned['spare'] {
  return async (backend, digest, options) => {
    const noneMs = await none.since(backend, options)
    let askedMs = noneMs ?? clock.monotonicMs()
    const spared: Spared = { isFresh: () => clock.monotonicMs() - askedMs <= SPARED_MS }
    if (noneMs !== undefined) return spared
    let since: { readonly etag: string; readonly ms: number } | undefined
    for (let tries = 0; ; tries += 1) {
      askedMs = clock.monotonicMs()
      const found = await readSentence(backend, digest, options)
      if (found === undefined) return spared
      if (found.state === 'condemned') {
        if (await deleted(backend, keyOf(digest), { ...options, ifMatch: found.etag })) return spared
        continue
      }
      if (since?.etag !== found.etag) since = { etag: found.etag, ms: clock.monotonicMs() }
      if (clock.monotonicMs() - since.ms < ABANDONED_MS) await clock.sleep(backoffMs(WAITS, tries, random), options)
      else await deleted(backend, keyOf(digest), { ...options, ifMatch: found.etag })
    }
  }
}
