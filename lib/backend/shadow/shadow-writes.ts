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

/** Writes to the primary, and with `both` to the secondary too; see the contract of `shadowBackend`. */
export async function writeShadowed(backends: TwoBackends, write: ShadowWrite, writes: 'both' | 'primary') {
  const { key, source, options } = write
  const condition = await conditionOnPrimary(backends, key, options)
  const { size, signal } = options
  const primaryOptions = { size, signal, ...condition }
  if (writes === 'primary') return marked('primary', await backends.primary.write(key, source, primaryOptions))
  try {
    return marked('primary', await writeBoth(backends, { key, source, options: primaryOptions }))
  } catch (err) {
    // An earlier attempt may have written only the primary; both must have the object before this counts as written.
    if (options.ifAbsent === true && hasCode(err, 'BACKEND_PRECONDITION_FAILED'))
      await follow(backends, key, { signal })
    throw err
  }
}

/** The caller's condition, translated for the primary. @throws BACKEND_PRECONDITION_FAILED */
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

/** Copies an object that only the primary has to the secondary. */
async function follow({ primary, secondary }: TwoBackends, key: string, options: AbortOptions): Promise<void> {
  if ((await secondary.stat(key, options)) !== undefined) return
  const there = await primary.read(key, options)
  if (there === undefined) return
  const { body, size } = there
  await tolerating(owningSource(body, () => secondary.write(key, body, { size, ifAbsent: true, ...options })))
}

/** Deletes from both backends, if the condition holds for the version that readers see. */
export async function deleteShadowed(
  { primary, secondary }: TwoBackends,
  key: string,
  { ifMatch, signal }: AbortOptions & { readonly ifMatch?: string },
): Promise<void> {
  // The order matters: a concurrent write changes the primary before the secondary, so in this order it is never
  // removed from one backend and left in the other.
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

/** Deletes the version that was there a moment ago; keeps a newer one. */
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
