import { type AbortOptions, appError, hasCode } from '../base/index.ts'
import type { Backend } from './backend.ts'
import { isLeftProof, type ProofNameComponents, proofName } from './proof-name.ts'

const REHEARSAL = '.shoal-rehearsal-'
const [ONE, TWO] = [Buffer.from('one'), Buffer.from('two')]

/**
 * Shows with a small object below `folder` that the backend decides conditions: it writes what is not there, replaces and
 * removes what is as it was read, and nothing else. Whoever is about to remove by conditions what others need does this
 * first; also the drivers that prove their conditions do so here. Seven small requests or, where the driver proves, some
 * more. The object is removed; one that a crash has left is by the next rehearsal there. @throws BACKEND_CONDITIONS_IGNORED,
 * and what the backend throws
 */
export async function rehearseConditions(
  backend: Backend,
  { folder, clock, random, signal }: AbortOptions & ProofNameComponents & { readonly folder: string },
): Promise<void> {
  await removeLeft(backend, { folder, nowMs: clock.now(), signal })
  const key = folder + proofName(REHEARSAL, { clock, random })
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

/** Those of the first page; the next rehearsal goes on. Drivers remove theirs when they list. */
async function removeLeft(
  backend: Backend,
  { folder, nowMs, signal }: AbortOptions & { readonly folder: string; readonly nowMs: number },
): Promise<void> {
  const { keys } = await backend.list(`${folder}.shoal-`, { signal })
  for (const key of keys) if (isLeftProof(REHEARSAL, key, nowMs)) await backend.delete(key, { signal })
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
