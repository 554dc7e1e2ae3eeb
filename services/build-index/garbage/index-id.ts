import { buffer } from 'node:stream/consumers'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, hasCode, type Random } from '../../../lib/base/index.ts'
import { garbageKeys } from './garbage-keys.ts'

/** The id of this index, which is given once. @throws what the backend throws */
export async function indexId(
  { backend, random }: { readonly backend: Backend; readonly random: Random },
  options: AbortOptions,
): Promise<string> {
  for (;;) {
    const found = await backend.read(garbageKeys.index, options)
    if (found !== undefined) return (await buffer(found.body)).toString()
    const bytes = Buffer.from(Buffer.from(random.bytes(12)).toString('hex'))
    try {
      await backend.write(garbageKeys.index, bytes, { ...options, size: bytes.length, ifAbsent: true })
    } catch (err) {
      if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
    }
  }
}
