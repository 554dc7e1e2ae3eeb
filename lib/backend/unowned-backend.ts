import type { Backend } from './backend.ts'
import type { Backends } from './backends.ts'

const running = { start: () => Promise.resolve(), stop: () => Promise.resolve() }

/** A store that somebody else starts and stops. */
export function unownedStore(store: Backend | Backends): Backend | Backends {
  if ('backendFor' in store) return { ...running, backendFor: (namespace) => store.backendFor(namespace) }
  return {
    ...running,
    stat: (key, options) => store.stat(key, options),
    read: (key, options) => store.read(key, options),
    write: (key, source, options) => store.write(key, source, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key, options) => store.delete(key, options),
  }
}
