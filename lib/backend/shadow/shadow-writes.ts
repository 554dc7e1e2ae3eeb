import type { Readable } from 'node:stream'
import { type AbortOptions, appError, hasCode } from '../../base/index.ts'
import type { Backend, ObjectStat, WriteOptions } from '../backend.ts'
import { owningSource } from '../receive.ts'
import { forkedSource } from './forked-source.ts'
import { marked, unmarked } from './marked-etag.ts'

export interface TwoBackends {
  readonly primary: Backend
  readonly secondary: Backend
}

export interface ShadowWrite {
  readonly key: string
  readonly source: Readable | Uint8Array
  readonly options: WriteOptions
}

type Condition = Pick<WriteOptions, 'ifAbsent' | 'ifMatch'>

/** Writes to the primary, and with `both` to the secondary too; the contract stands above `shadowBackend`. */
export async function writeShadowed(backends: TwoBackends, write: ShadowWrite, writes: 'both' | 'primary') {
  const { key, source, options } = write
  const condition = await conditionOnPrimary(backends, key, options)
  const { size, signal } = options
  const primaryOptions = { size, signal, ...condition }
  if (writes === 'primary') return marked('primary', await backends.primary.write(key, source, primaryOptions))
  try {
    return marked('primary', await writeBoth(backends, { key, source, options: primaryOptions }))
  } catch (err) {
    // What an earlier try brought into the primary only must be in both before the caller takes it for written.
    if (options.ifAbsent === true && hasCode(err, 'BACKEND_PRECONDITION_FAILED'))
      await follow(backends, key, { signal })
    throw err
  }
}

/** The condition of the caller in the words of the primary. @throws BACKEND_PRECONDITION_FAILED */
async function conditionOnPrimary({ secondary }: TwoBackends, key: string, options: WriteOptions): Promise<Condition> {
  const { ifAbsent, ifMatch, signal } = options
  const old = ifMatch === undefined ? undefined : unmarked(ifMatch)
  if (old?.side === 'primary') return { ifMatch: old.etag }
  if (old === undefined && ifAbsent !== true) return {}
  const there = await secondary.stat(key, { signal })
  if (there?.etag !== old?.etag) throw appError('BACKEND_PRECONDITION_FAILED')
  return { ifAbsent: true }
}

async function writeBoth(
  { primary, secondary }: TwoBackends,
  { key, source, options }: ShadowWrite,
): Promise<ObjectStat> {
  const { size, signal } = options
  if (ArrayBuffer.isView(source) || size === 0) {
    const written = await primary.write(key, source, options)
    await secondary.write(key, ArrayBuffer.isView(source) ? source : new Uint8Array(), { size, signal })
    return written
  }
  const { first, second, release } = forkedSource(source)
  const following = secondary.write(key, second, { size, signal })
  following.catch((err: unknown) => first.destroy(err as Error))
  try {
    const written = await primary.write(key, first, options)
    release()
    await following
    return written
  } catch (err) {
    second.destroy(err as Error)
    await following.catch(() => undefined)
    throw err
  }
}

/** Copies to the secondary what only the primary has. */
async function follow({ primary, secondary }: TwoBackends, key: string, options: AbortOptions): Promise<void> {
  if ((await secondary.stat(key, options)) !== undefined) return
  const there = await primary.read(key, options)
  if (there === undefined) return
  const { body, size } = there
  await tolerating(owningSource(body, () => secondary.write(key, body, { size, ifAbsent: true, ...options })))
}

/** Deletes from both, whichever the primary allows. */
export async function deleteShadowed(
  { primary, secondary }: TwoBackends,
  key: string,
  { ifMatch, signal }: AbortOptions & { readonly ifMatch?: string },
): Promise<void> {
  // In this order, so that a write that comes between is not removed from the one while it stays in the other: it
  // changes the primary before the secondary.
  const old = await secondary.stat(key, { signal })
  if (ifMatch === undefined) {
    await deleteVersion(secondary, key, { ifMatch: old?.etag, signal })
    return primary.delete(key, { signal })
  }
  const now = await primary.stat(key, { signal })
  if (now === undefined && old === undefined) return
  const there = now === undefined ? { side: 'secondary', etag: old?.etag } : { side: 'primary', etag: now.etag }
  const asked = unmarked(ifMatch)
  if (asked.side !== there.side || asked.etag !== there.etag) throw appError('BACKEND_PRECONDITION_FAILED')
  if (asked.side === 'primary') {
    await deleteVersion(secondary, key, { ifMatch: old?.etag, signal })
    return primary.delete(key, { ifMatch: asked.etag, signal })
  }
  await secondary.delete(key, { ifMatch: asked.etag, signal })
  if ((await primary.stat(key, { signal })) !== undefined) throw appError('BACKEND_PRECONDITION_FAILED')
}

/** Deletes what was there a moment ago; what replaced it stays. */
async function deleteVersion(
  side: Backend,
  key: string,
  { ifMatch, signal }: AbortOptions & { readonly ifMatch: string | undefined },
): Promise<void> {
  if (ifMatch !== undefined) await tolerating(side.delete(key, { ifMatch, signal }))
}

async function tolerating(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (err) {
    if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
  }
}
