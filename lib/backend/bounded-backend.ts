import { appError } from '../base/index.ts'
import { MAX_BLOB_LENGTH } from '../metainfo/index.ts'
import type { Backend, ObjectStat } from './backend.ts'

/**
 * The backend, without objects of a size that no blob has: whoever believed such a size would pass it on, and be blamed
 * for it. @throws (stat and read) BACKEND_CORRUPT
 */
export function boundedBackend(backend: Backend): Backend {
  return {
    start: () => backend.start(),
    stop: () => backend.stop(),
    async stat(key, options) {
      const found = await backend.stat(key, options)
      if (found !== undefined && !isPossible(found)) throw impossible(key, found)
      return found
    },
    async read(key, options) {
      const found = await backend.read(key, options)
      if (found === undefined || isPossible(found)) return found
      found.body.on('error', () => undefined).destroy()
      throw impossible(key, found)
    },
    write: (key, source, options) => backend.write(key, source, options),
    list: (prefix, options) => backend.list(prefix, options),
    delete: (key, options) => backend.delete(key, options),
  }
}

const isPossible = ({ size }: ObjectStat): boolean => Number.isSafeInteger(size) && size >= 0 && size <= MAX_BLOB_LENGTH

function impossible(key: string, { size }: ObjectStat) {
  const message =
    'the backend has an object of a size that no blob may have; remove it, or look at what stands in front'
  return appError('BACKEND_CORRUPT', { message, detail: { key, size, limit: MAX_BLOB_LENGTH } })
}
