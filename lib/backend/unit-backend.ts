import type { Backend } from './backend.ts'
import type { ObjectUnits } from './units.ts'

/**
 * The backend, whose objects can be read in such units, in any order and several at a time: it says so when it is asked for
 * an object that is about to be read.
 */
export function unitBackend(backend: Backend, units: ObjectUnits): Backend {
  return {
    start: () => backend.start(),
    stop: () => backend.stop(),
    async stat(key, options = {}) {
      const found = await backend.stat(key, options)
      return options.thenRead === true && found !== undefined ? { ...found, ...units } : found
    },
    read: (key, options) => backend.read(key, options),
    write: (key, source, options) => backend.write(key, source, options),
    list: (prefix, options) => backend.list(prefix, options),
    delete: (key, options) => backend.delete(key, options),
  }
}
