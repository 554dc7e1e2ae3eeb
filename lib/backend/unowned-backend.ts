import type { Backend } from './backend.ts'
import type { Backends } from './backends.ts'

const running = { start: () => Promise.resolve(), stop: () => Promise.resolve() }

/** A backend that its user must not start or stop, because somebody else does. */
export function unownedBackend(backend: Backend | Backends): Backend | Backends {
  if ('backendFor' in backend) return { ...running, backendFor: (repository) => backend.backendFor(repository) }
  return {
    ...running,
    stat: (key, options) => backend.stat(key, options),
    read: (key, options) => backend.read(key, options),
    write: (key, source, options) => backend.write(key, source, options),
    list: (prefix, options) => backend.list(prefix, options),
    delete: (key, options) => backend.delete(key, options),
  }
}
