import type { Backend } from './backend.ts'
import { checkPrefix } from './key.ts'

/**
 * The part of a backend under `prefix`, which ends in `/` or is empty; keys are given and listed without the prefix.
 */
export function prefixedBackend(backend: Backend, prefix: string): Backend {
  checkPrefix(prefix)
  if (prefix === '') return backend
  const without = (key: string) => key.slice(prefix.length)
  return {
    start: () => backend.start(),
    stop: () => backend.stop(),
    stat: (key, options) => backend.stat(prefix + key, options),
    read: (key, options) => backend.read(prefix + key, options),
    write: (key, source, options) => backend.write(prefix + key, source, options),
    async list(start, { after, ...options } = {}) {
      const page = await backend.list(prefix + start, {
        ...options,
        ...(after === undefined ? {} : { after: prefix + after }),
      })
      return { keys: page.keys.map(without), next: page.next === undefined ? undefined : without(page.next) }
    },
    delete: (key, options) => backend.delete(prefix + key, options),
  }
}
