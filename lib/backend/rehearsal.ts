import { type AbortOptions, appError, hasCode, type Random } from '../base/index.ts'
import type { Backend } from './backend.ts'

const [ONE, TWO] = [Buffer.from('one'), Buffer.from('two')]

/**
 * Shows with a small object below `folder` that the backend decides conditions: it writes what is not there, replaces and
 * removes what is as it was read, and nothing else. Whoever is about to remove by conditions what others need does this
 * first; also the drivers that prove their conditions do so here. Six small requests or, where the driver proves, some
 * more. The object is removed; one that a crash has left may be. @throws BACKEND_CONDITIONS_IGNORED, and what the backend
 * throws
 */
export async function rehearseConditions(
  backend: Backend,
  { folder, random, signal }: AbortOptions & { readonly folder: string; readonly random: Random },
): Promise<void> {
  const key = `${folder}.shoal-proof-${Buffer.from(random.bytes(8)).toString('hex')}`
  const put = (bytes: Uint8Array, condition: { readonly ifAbsent: true } | { readonly ifMatch: string }) =>
    backend.write(key, bytes, { ...condition, size: bytes.length, signal })
  const first = await put(ONE, { ifAbsent: true })
  try {
    const second = await put(TWO, { ifMatch: first.etag })
    await refused('write', put(ONE, { ifAbsent: true }))
    await refused('write', put(ONE, { ifMatch: first.etag }))
    await refused('delete', backend.delete(key, { ifMatch: first.etag, signal }))
    await backend.delete(key, { ifMatch: second.etag, signal })
  } catch (err) {
    await backend.delete(key).catch(() => undefined)
    throw err
  }
}

async function refused(request: string, attempt: Promise<unknown>): Promise<void> {
  try {
    await attempt
  } catch (err) {
    if (hasCode(err, 'BACKEND_PRECONDITION_FAILED')) return
    throw err
  }
  throw appError('BACKEND_CONDITIONS_IGNORED', { detail: { request } })
}
