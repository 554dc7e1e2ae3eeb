import { buffer } from 'node:stream/consumers'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, hasCode } from '../../../lib/base/index.ts'

const KEY = 'garbage/owner'

/**
 * The first index that looks for garbage in a backend owns it: another one, be it of a second cluster with the same
 * backend or one that was set up anew, knows other links, and may condemn nothing. @throws GARBAGE_FOREIGN, and what the
 * backend throws
 */
export async function claimOwner(backend: Backend, owner: string, { signal }: AbortOptions): Promise<void> {
  const found = await readOwner(backend, signal)
  if (found === owner) return
  if (found === undefined) {
    const bytes = Buffer.from(owner)
    try {
      await backend.write(KEY, bytes, { size: bytes.length, ifAbsent: true, signal })
      return
    } catch (err) {
      if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
      if ((await readOwner(backend, signal)) === owner) return
    }
  }
  throw appError('GARBAGE_FOREIGN', { detail: { key: KEY } })
}

async function readOwner(backend: Backend, signal: AbortSignal | undefined): Promise<string | undefined> {
  const found = await backend.read(KEY, { signal })
  return found && (await buffer(found.body)).toString()
}
